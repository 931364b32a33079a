// The cases of `pillar-bench atlas`.
#pragma once

#include "atlas_model.h"
#include "runner.h"

#include <string>
#include <vector>

namespace pillar::bench {

struct GemmRates {  // GFLOP/s
  double fp32 = 0, bf16 = 0;
};

struct AtlasOptions {
  std::filesystem::path folder;     // what write_atlas_model() filled; readouts go there too
  std::vector<std::string> dtypes;  // of ours: fp32, bf16
  int threads = 0;
  bool ours_only = false;
  // In the parent: the best rates found so far, measured again at each call, for a machine may be busier
  // before the cases than after them.
  std::function<GemmRates()> machine;
};

// "atlas fp32 192x192x192", one case a dtype. The baseline is always float32.
std::vector<Case> atlas_cases(const AtlasModel& model, const AtlasOptions& options);

// A line a side of where the seconds went, and a line of agreement and of the machine's rates.
void print_atlas_details(const nlohmann::ordered_json& results, std::size_t stages);

}  // namespace pillar::bench
