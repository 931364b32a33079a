// The cases of `pillar-bench train`.
#pragma once

#include "pillar/train/pretrain_config.h"

#include "runner.h"

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace pillar::bench {

struct TrainOptions {
  std::filesystem::path folder;  // of make_train_cohort()
  std::filesystem::path architecture;
  Precision precision = Precision::fp32;
  at::Device device = at::kCPU;
  bool checkpoint_blocks = false;
  bool plain = false;  // steps of the plain formulation, too (measure_plain_training())
  std::int64_t batch = 32, micro_batch = 8;
  std::int64_t steps = 4;  // measured, after one that is not
  int threads = 1;
  std::vector<std::string> words;  // of this process's command line: started again for several processes
};

// Micro-batches of the cases that look at memory.
inline constexpr std::int64_t kMemoryCases[] = {1, 2, 4, 8};

// On a GPU without the case of two processes, which takes two of them.
std::vector<Case> train_cases(const TrainOptions& options);

void print_train_details(const nlohmann::ordered_json& results);

}  // namespace pillar::bench
