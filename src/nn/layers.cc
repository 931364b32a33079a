#include "nn/shared/layers.h"

#include <ATen/ops/bernoulli.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>

namespace pillar {

Linear::Linear(const Scope& scope)
    : weight(scope.parameter("weight")), bias(scope.optional_parameter("bias")) {}

at::Tensor Linear::operator()(const at::Tensor& x, at::ScalarType compute) const {
  return at::linear(x.to(compute), weight.to(compute), bias.defined() ? bias.to(compute) : at::Tensor());
}

void Linear::freeze(at::ScalarType compute) {
  weight = weight.detach().to(compute);
  if (bias.defined()) bias = bias.detach().to(compute);
}

LayerNorm::LayerNorm(const Scope& scope, double eps)
    : weight(scope.parameter("weight")), bias(scope.parameter("bias")), epsilon(eps) {}

void LayerNorm::freeze() {
  weight = weight.detach().clone();
  bias = bias.detach().clone();
}

namespace {

at::Tensor keep_mask(at::IntArrayRef shape, double rate, const at::Tensor& like,
                     const std::optional<at::Generator>& draws) {
  // Drawn where the generator is, which is the device of `like` but for a caller that wants a CPU's draws.
  const at::TensorOptions options = at::TensorOptions().dtype(like.dtype()).device(draws->device());
  at::Tensor mask = at::empty(shape, options).fill_(1 - rate);
  return at::bernoulli(mask, draws).div_(1 - rate).to(like.device());
}

}  // namespace

at::Tensor dropout(const at::Tensor& x, double rate, const std::optional<at::Generator>& draws) {
  if (!draws || rate == 0) return x;
  return x * keep_mask(x.sizes(), rate, x, draws);
}

at::Tensor drop_path(const at::Tensor& rows, double rate, const std::optional<at::Generator>& draws) {
  if (!draws || rate == 0) return rows;
  return rows * keep_mask({rows.size(0), 1, 1}, rate, rows, draws);
}

}  // namespace pillar
