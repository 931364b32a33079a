#include "pillar/core/fail.h"
#include "pillar/model/head_layers.h"

#include "core/shared/joined.h"
#include "model/heads/head_weights.h"
#include "model/heads/plane_pool.h"
#include "nn/shared/scope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>

namespace pillar {
namespace {

constexpr const char* kPool = "pool.";

struct PooledAxis {
  at::Tensor log_attention;  // (B, N)
  at::Tensor softmax;        // (B, 1, N)
  at::Tensor hidden;         // (B, C)
};

// Attention over the last axis of (B, C, N).
PooledAxis pool_axis(const at::Tensor& vectors_bcn, const at::Tensor& weight, const at::Tensor& bias) {
  const at::ScalarType type = vectors_bcn.scalar_type();
  const at::Tensor scores = at::linear(vectors_bcn.transpose(1, 2), weight.to(type), bias.to(type));
  const at::Tensor logs = at::log_softmax(scores.squeeze(-1), -1);
  const at::Tensor softmax = at::exp(logs).unsqueeze(1);
  return {logs, softmax, (vectors_bcn * softmax).sum(-1)};
}

}  // namespace

AttentionPool::AttentionPool(const WeightMap& weights, const std::string& source, Parameters* list) {
  const WeightMap own = weights_below(weights, kPool);
  const std::string convolution = "pool.volume_pool2.conv1d.weight";
  check_weights(
      own,
      expected_pool_weights(axis_of(own, convolution, 3, 0, source), axis_of(own, convolution, 3, 2, source)),
      source);
  const Scope pool = Scope(weights, "pool", list).in_group("pool");
  const Scope plane = pool / "image_pool1" / "attention_fc", volume1 = pool / "volume_pool1" / "attention_fc";
  const Scope volume2 = pool / "volume_pool2", attention2 = volume2 / "aggregate" / "attention_fc";
  plane_weight_ = plane.parameter("weight"), plane_bias_ = plane.parameter("bias");
  volume1_weight_ = volume1.parameter("weight"), volume1_bias_ = volume1.parameter("bias");
  convolution_ = (volume2 / "conv1d").parameter("weight");
  volume2_weight_ = attention2.parameter("weight"), volume2_bias_ = attention2.parameter("bias");
  hidden_weight_ = (pool / "hidden_fc").parameter("weight");
  hidden_bias_ = (pool / "hidden_fc").parameter("bias");
}

PoolOutput AttentionPool::operator()(const at::Tensor& activ_bctyx, std::int64_t stride) const {
  if (activ_bctyx.dim() != 5 || activ_bctyx.size(1) != channels() || activ_bctyx.numel() == 0 ||
      !activ_bctyx.is_floating_point()) {
    fail(ErrorCategory::input, "attention pooling takes maps of (B, {}, T, Y, X), not ({})", channels(),
         joined(activ_bctyx.sizes(), ", "));
  }
  const PooledPlanes planes = pool_planes(activ_bctyx, plane_weight_, plane_bias_);
  const at::ScalarType type = planes.attended.scalar_type();
  PoolOutput out;
  out.image_attention_1 = planes.log_attention;
  out.image_attention_softmax_1 =
      at::exp(planes.log_attention)
          .view({activ_bctyx.size(0), activ_bctyx.size(2), 1, activ_bctyx.size(3), activ_bctyx.size(4)});
  out.multi_image_hidden_1 = planes.attended;
  const PooledAxis first = pool_axis(planes.attended, volume1_weight_, volume1_bias_);
  out.volume_attention_1 = first.log_attention;
  out.volume_attention_softmax_1 = first.softmax;
  out.hidden_1 = first.hidden;
  out.multi_image_hidden_2 = planes.maximum;
  const at::Tensor convolved =
      at::conv1d(planes.maximum, convolution_.to(type), {}, {stride}, {convolution_.size(2) / 2});
  const PooledAxis second = pool_axis(convolved, volume2_weight_, volume2_bias_);
  out.volume_attention_2 = second.log_attention;
  out.volume_attention_softmax_2 = second.softmax;
  out.hidden_2 = second.hidden;
  out.maxpool_hidden = std::get<0>(planes.maximum.max(-1));
  out.hidden = at::linear(at::cat({out.hidden_1, out.hidden_2, out.maxpool_hidden}, 1),
                          hidden_weight_.to(type), hidden_bias_.to(type));
  return out;
}

}  // namespace pillar
