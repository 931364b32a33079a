// How fast this machine multiplies matrices, the measure of everything that is made of products.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar::bench {

// GFLOP/s of at::mm of square matrices of these sides on LibTorch's threads: the best of three runs of each.
double gemm_gflops(at::ScalarType dtype, const std::vector<std::int64_t>& sides,
                   at::Device device = at::kCPU);

}  // namespace pillar::bench
