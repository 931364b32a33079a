// What `pillar-bench train` trains on.
#pragma once

#include "pillar/train/pretrain_config.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace pillar::bench {

struct TrainCohortOptions {
  std::filesystem::path architecture;  // config.json; its first modality is trained
  std::filesystem::path samples;       // folder of samples; empty: phantoms
  int phantoms = 16;
  std::int64_t rows = 0;  // studies of the manifest: the samples, over and over
};

// Below `folder`: phantoms/ where they are made, manifest.csv, and text/: vectors of the reports of as many
// phantoms, by hashed n-grams. What is there already stays. Throws Error(input | io).
void make_train_cohort(const TrainCohortOptions& options, const std::filesystem::path& folder);

// A run on that cohort, with everything else as it is by default but log.every_steps 1 and no checkpoint
// before its end.
PretrainConfig train_cohort_config(const std::filesystem::path& folder,
                                   const std::filesystem::path& architecture);

}  // namespace pillar::bench
