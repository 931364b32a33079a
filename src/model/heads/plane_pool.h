// What attention pooling does with the map itself: everything that reads or writes a tensor of its size.
#pragma once

#include <ATen/core/Tensor.h>

namespace pillar {

// Over the positions p of each plane t; float32, or float64 for a map of float64.
struct PooledPlanes {
  at::Tensor log_attention;  // (B, T, Y * X): log-softmax of the positions' scores
  at::Tensor attended;       // (B, C, T): sum over positions by the softmax
  at::Tensor maximum;        // (B, C, T)
};

// activ_bctyx: any float type; weight (1, C) and bias (1) give each position its score. The map is read in
// blocks of whole planes, which are brought to float32 one at a time where they are not, and saved as it is;
// the backward writes its gradient once.
PooledPlanes pool_planes(const at::Tensor& activ_bctyx, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace pillar
