// The cases of `pillar-bench finetune`.
#pragma once

#include "runner.h"

#include <array>
#include <filesystem>
#include <vector>

#include <ATen/core/Tensor.h>
#include <nlohmann/json_fwd.hpp>

namespace pillar::bench {

struct FinetuneBenchOptions {
  std::filesystem::path architecture;  // of the step; its first tower
  at::ScalarType compute = at::kFloat;
  at::Device device = at::kCPU;
  std::int64_t batch = 4;
  std::int64_t steps = 4;  // measured, after one that is not
  bool checkpoint_blocks = false;
  std::int64_t channels = 1152;                       // of the map that the heads read alone
  std::array<std::int64_t, 3> tokens = {32, 32, 64};  // of that map
  int threads = 1;
};

// A whole step by parts; the heads alone on a map small enough that attention can be materialised beside
// them, and on a map of `tokens`.
std::vector<Case> finetune_cases(const FinetuneBenchOptions& options);

void print_finetune_details(const nlohmann::ordered_json& results);

}  // namespace pillar::bench
