// Internal: coordinates in which the columns of the embeddings are centred and uncorrelated, so that one
// diagonal says how curved every question's loss is.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct Whitening {
  at::Tensor mean_d;    // (D) float64
  at::Tensor basis_dd;  // (D,D) float64, columns are the new axes
  std::vector<double> moments_d;
};
Whitening find_whitening(const at::Tensor& x_nd);

}  // namespace pillar
