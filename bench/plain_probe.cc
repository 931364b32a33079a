#include "plain_probe.h"

#include "pillar/data/epoch_order.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

namespace pillar::bench {
namespace {

struct AdamState {
  at::Tensor first, second;
};

void adam_step(at::Tensor& parameter, AdamState& state, const AdamProbeOptions& options, std::int64_t step) {
  const at::NoGradGuard no_gradients;
  const at::Tensor& gradient = parameter.grad();
  state.first.lerp_(gradient, 0.1);
  state.second.mul_(0.999).addcmul_(gradient, gradient, 0.001);
  const double root = std::sqrt(1 - std::pow(0.999, static_cast<double>(step)));
  const double step_size = options.lr / (1 - std::pow(0.9, static_cast<double>(step)));
  parameter.addcdiv_(state.first, (state.second.sqrt() / root).add_(1e-8), -step_size);
}

at::Tensor collate(const at::Tensor& rows, const std::vector<std::int64_t>& order, std::int64_t begin,
                   std::int64_t size) {
  std::vector<at::Tensor> samples;
  for (std::int64_t i = begin; i < begin + size; ++i)
    samples.push_back(rows.select(0, order[static_cast<std::size_t>(i)]));
  return at::stack(samples);
}

}  // namespace

LinearProbe plain_probe_adam(const ProbeData& train, const LinearProbe& start,
                             const AdamProbeOptions& options) {
  const at::Tensor labels = train.answers_qn.t().to(at::kFloat).contiguous();
  const std::vector<double> weights = positive_weights(train.answers_qn);
  const at::Tensor positive_weight = at::tensor(weights).to(at::kFloat);
  at::Tensor weight = start.weight_qd.clone().requires_grad_(true);
  at::Tensor bias = start.bias_q.clone().requires_grad_(true);
  AdamState of_weight{at::zeros_like(start.weight_qd), at::zeros_like(start.weight_qd)};
  AdamState of_bias{at::zeros_like(start.bias_q), at::zeros_like(start.bias_q)};
  const std::int64_t count = train.embeddings_nd.size(0);
  std::int64_t step = 0;
  for (std::int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    const std::vector<std::int64_t> order = epoch_permutation(count, options.seed, epoch);
    for (std::int64_t begin = 0; begin < count; begin += options.batch_size) {
      const std::int64_t size = std::min(options.batch_size, count - begin);
      const at::Tensor x = collate(train.embeddings_nd, order, begin, size);
      const at::Tensor y = collate(labels, order, begin, size);
      weight.mutable_grad().reset();
      bias.mutable_grad().reset();
      const at::Tensor loss =
          at::binary_cross_entropy_with_logits(at::linear(x, weight, bias), y, {}, positive_weight);
      loss.backward();
      ++step;
      adam_step(weight, of_weight, options, step);
      adam_step(bias, of_bias, options, step);
      if (!std::isfinite(loss.item<float>()))
        throw std::runtime_error("the plain probe's loss is not finite");
    }
  }
  return {weight.detach(), bias.detach()};
}

}  // namespace pillar::bench
