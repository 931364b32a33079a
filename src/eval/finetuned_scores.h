// Internal: what a finetuning said of the split that it was judged on.
#pragma once

#include "pillar/eval/compare.h"

#include <filesystem>
#include <optional>
#include <string>

namespace pillar {

// predictions/test.csv, or dev.csv where there was no test split, of a finetuning of labels or classes; none
// of another run. Throws Error(input) for one of survival, whose years are not questions of their own.
std::optional<std::filesystem::path> finetuned_predictions(const std::filesystem::path& run_folder,
                                                           const std::string& kind);

// Fills accessions, questions and scores. Classes that exclude each other rank by their log odds: what a
// logit says depends on the others. Throws Error(io | input) as read_prediction_table(), and Error(input)
// where the table has no answers.
void read_finetuned_scores(const std::filesystem::path& predictions, bool are_classes, RunScores& run);

}  // namespace pillar
