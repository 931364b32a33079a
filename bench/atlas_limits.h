// What a device can do at best of what an Atlas tower needs, each measured alone.
#pragma once

#include "atlas_model.h"
#include "runner.h"

#include <string>
#include <vector>

namespace pillar::bench {

struct LimitOptions {
  at::Device device = at::kCPU;
  std::vector<std::string> dtypes;  // fp32, tf32, bf16
  std::vector<std::int64_t> gemm_sides;
  int runs = 3;  // of each, of which the fastest counts
};

// Figures: gemm_DTYPE_gflops; copy_gb_per_s, bytes read and written on the device; to_device_gb_per_s, from
// page-locked memory; conv_NAME_DTYPE_FORMAT_s of each convolution of the stem, NAME as "down0_11to64",
// FORMAT ncdhw or ndhwc (channels last); stem_convs_DTYPE_s, the sum over the stem of the faster format.
// `seconds` is the last of these for the first dtype.
Measurement measure_limits(const AtlasConfig& config, PatchEmbedKind kind, const LimitOptions& options);

}  // namespace pillar::bench
