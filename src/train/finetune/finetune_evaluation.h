// Internal: the end of a finetuning: its best checkpoint judged on the splits that it was not trained on.
#pragma once

#include "train/finetune/finetune_task.h"
#include "train/run/run_folder.h"

#include <filesystem>
#include <string>

namespace pillar {

struct BestWeights {
  WeightMap weights;       // on the task's device
  std::int64_t step = -1;  // whose checkpoint they are of; -1: there is none, they are the task's own
};
// Collective: of the run's best checkpoint, or of its newest where none is the best, on all ranks; averaged
// weights where there are some.
BestWeights best_weights(const FinetuneTask& task, RunFolder& folder, const World& world);

// Collective: scores dev and test, and writes (rank 0) predictions/, metrics.json and metrics.csv below the
// run's folder; `exported`, where it is not empty, also gets the weights and their calibration. Returns what
// it found, in words.
std::string evaluate_weights(const FinetuneOptions& options, FinetuneTask& task, const BestWeights& best,
                             RunFolder& folder, const std::filesystem::path& exported, const World& world);

}  // namespace pillar
