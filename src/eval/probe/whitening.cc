#include "eval/probe/whitening.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

constexpr std::int64_t kWhitenedRows = 2048;

template <typename Use>
void for_each_block(const at::Tensor& x_nd, const Use& use) {
  for (std::int64_t begin = 0; begin < x_nd.size(0); begin += kWhitenedRows) {
    const std::int64_t count = std::min(kWhitenedRows, x_nd.size(0) - begin);
    use(x_nd.narrow(0, begin, count));
  }
}

}  // namespace

Whitening find_whitening(const at::Tensor& x_nd) {
  const at::NoGradGuard no_gradients;
  const std::int64_t width = x_nd.size(1);
  const auto count = static_cast<double>(x_nd.size(0));
  Whitening whitening;
  whitening.mean_d = at::zeros({width}, at::kDouble);
  for_each_block(x_nd, [&](const at::Tensor& rows) { whitening.mean_d += rows.sum(0, false, at::kDouble); });
  whitening.mean_d /= count;
  // Float32 products do: the moments only say how long the first steps are.
  at::Tensor moments = at::zeros({width, width}, at::kDouble);
  const at::Tensor mean = whitening.mean_d.to(at::kFloat);
  for_each_block(x_nd, [&](const at::Tensor& rows) {
    const at::Tensor centred = rows - mean;
    moments += at::matmul(centred.t(), centred);
  });
  const auto [values, vectors] = at::linalg_eigh(moments / count);
  whitening.basis_dd = vectors;
  const at::Tensor sorted = values.contiguous();
  for (std::int64_t d = 0; d < width; ++d)
    whitening.moments_d.push_back(std::max(0.0, sorted.const_data_ptr<double>()[d]));
  return whitening;
}

}  // namespace pillar
