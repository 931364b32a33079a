#include "model/heads/plane_pool.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

namespace pillar {
namespace {

using torch::autograd::variable_list;

// Numbers of the map in work at once; always whole planes.
constexpr std::int64_t kMapNumbersAtOnce = std::int64_t{1} << 23;

at::ScalarType pooled_type(const at::Tensor& activ) {
  return activ.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

// body(sample, first plane, planes, block): block is (C, planes, positions) of `activ_bctp` in `type`.
template <typename Body>
void for_each_block(const at::Tensor& activ_bctp, at::ScalarType type, const Body& body) {
  const std::int64_t planes = activ_bctp.size(2);
  const std::int64_t plane_numbers = std::max<std::int64_t>(1, activ_bctp.size(1) * activ_bctp.size(3));
  const std::int64_t at_once = std::clamp<std::int64_t>(kMapNumbersAtOnce / plane_numbers, 1, planes);
  for (std::int64_t b = 0; b < activ_bctp.size(0); ++b) {
    for (std::int64_t first = 0; first < planes; first += at_once) {
      const std::int64_t count = std::min(at_once, planes - first);
      body(b, first, count, activ_bctp.select(0, b).narrow(1, first, count).to(type));
    }
  }
}

// Inputs: the map (B, C, T, P), weight and bias; outputs: as PooledPlanes.
struct PlanePool : torch::autograd::Function<PlanePool> {
  static variable_list forward(torch::autograd::AutogradContext* context, const at::Tensor& activ,
                               const at::Tensor& weight, const at::Tensor& bias) {
    const at::ScalarType type = pooled_type(activ);
    const auto options = activ.options().dtype(type);
    const std::int64_t batch = activ.size(0), channels = activ.size(1), planes = activ.size(2);
    const at::Tensor w = weight.to(type), offset = bias.to(type);
    const at::Tensor logs = at::empty({batch, planes, activ.size(3)}, options);
    const at::Tensor attended = at::empty({batch, channels, planes}, options);
    const at::Tensor maximum = at::empty_like(attended);
    const at::Tensor places = at::empty({batch, channels, planes}, options.dtype(at::kLong));
    for_each_block(activ, type,
                   [&](std::int64_t b, std::int64_t first, std::int64_t count, const at::Tensor& block) {
                     const at::Tensor scores = at::matmul(w, block.flatten(1)).view({count, -1}) + offset;
                     const at::Tensor log = logs.select(0, b).narrow(0, first, count);
                     log.copy_(at::log_softmax(scores, -1));
                     const at::Tensor sums = at::bmm(block.permute({1, 0, 2}), at::exp(log).unsqueeze(-1));
                     attended.select(0, b).narrow(1, first, count).copy_(sums.squeeze(-1).t());
                     const auto [values, indices] = at::max(block, -1);
                     maximum.select(0, b).narrow(1, first, count).copy_(values);
                     places.select(0, b).narrow(1, first, count).copy_(indices);
                   });
    context->save_for_backward({activ, weight, logs, places});
    context->saved_data["type"] = static_cast<std::int64_t>(type);
    return {logs, attended, maximum};
  }

  static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &activ = saved[0], &logs = saved[2], &places = saved[3];
    const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
    const at::Tensor w = saved[1].to(type);
    const at::Tensor dw = at::zeros_like(w), db = at::zeros({1}, w.options());
    const at::Tensor dactiv = context->needs_input_grad(0) ? at::empty_like(activ) : at::Tensor();
    for_each_block(
        activ, type, [&](std::int64_t b, std::int64_t first, std::int64_t count, const at::Tensor& block) {
          const auto of_block = [&](const at::Tensor& x, std::int64_t axis) {
            return x.select(0, b).narrow(axis, first, count);
          };
          const at::Tensor attention = at::exp(of_block(logs, 0));  // (planes, positions)
          at::Tensor dscores = at::zeros_like(attention);
          if (grads[0].defined()) {
            const at::Tensor dlogs = of_block(grads[0], 0);
            dscores.add_(dlogs).sub_(attention * dlogs.sum(-1, true));
          }
          if (grads[1].defined()) {
            const at::Tensor dsums = of_block(grads[1], 1).t().unsqueeze(1);  // (planes, 1, C)
            const at::Tensor weighted = attention * at::bmm(dsums, block.permute({1, 0, 2})).squeeze(1);
            dscores.add_(weighted).sub_(attention * weighted.sum(-1, true));
          }
          dw.add_(at::matmul(block.flatten(1), dscores.flatten()).unsqueeze(0));
          db.add_(dscores.sum());
          if (!dactiv.defined()) return;
          at::Tensor dblock = w.view({-1, 1, 1}) * dscores;
          if (grads[1].defined()) dblock.addcmul_(of_block(grads[1], 1).unsqueeze(-1), attention);
          if (grads[2].defined())
            dblock.scatter_add_(-1, of_block(places, 1).unsqueeze(-1), of_block(grads[2], 1).unsqueeze(-1));
          of_block(dactiv, 1).copy_(dblock);
        });
    return {dactiv, dw.to(saved[1].scalar_type()), db.to(saved[1].scalar_type())};
  }
};

}  // namespace

PooledPlanes pool_planes(const at::Tensor& activ_bctyx, const at::Tensor& weight, const at::Tensor& bias) {
  const variable_list pooled = PlanePool::apply(activ_bctyx.contiguous().flatten(3), weight, bias);
  return {pooled[0], pooled[1], pooled[2]};
}

}  // namespace pillar
