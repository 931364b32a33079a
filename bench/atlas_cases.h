// The cases of `pillar-bench atlas`.
#pragma once

#include "atlas_model.h"
#include "runner.h"

#include <memory>
#include <string>
#include <vector>

namespace pillar::bench {

struct GemmRates {  // GFLOP/s
  double fp32 = 0, tf32 = 0, bf16 = 0;
  double of(const std::string& dtype) const { return dtype == "bf16" ? bf16 : dtype == "tf32" ? tf32 : fp32; }
};

struct AtlasOptions {
  std::filesystem::path folder;     // what write_atlas_model() filled; readouts go there too
  std::vector<std::string> dtypes;  // of ours: fp32, tf32, bf16
  at::Device device = at::kCPU;
  int threads = 0;
  int calls = 1, warm_up = 0;  // of each side: calls whose median counts, after those that do not
  bool ours_only = false;
  // The baseline: float32, or the dtype of ours (bf16: under autocast), in each of these formats of memory.
  bool plain_in_same_dtype = false;
  std::vector<std::string> formats = {"ncdhw"};  // and ndhwc: channels last
  // Whether a first case measures what the device can do (measure_limits()), with matrices of these sides.
  bool limits = false;
  std::vector<std::int64_t> gemm_sides = {2048, 4096};
  bool cuda_graphs = false;  // of ours
  bool launches = false;     // count a GPU's kernels, in one more call (trace_gpu())
  // In the parent: the best rates found so far, measured again at each call, for a machine may be busier
  // before the cases than after them.
  std::function<GemmRates()> machine;
  std::shared_ptr<GemmRates> found_rates = std::make_shared<GemmRates>();  // by the case "limits"
};

// "atlas fp32 192x192x192", one case a dtype; "atlas bf16 192x192x192 ndhwc", one a dtype and format where
// there are several formats; "limits" before them.
std::vector<Case> atlas_cases(const AtlasModel& model, const AtlasOptions& options);

// A line a side of where the seconds went, and a line of agreement and of the machine's rates.
void print_atlas_details(const nlohmann::ordered_json& results, std::size_t stages);

}  // namespace pillar::bench
