#include "model/heads/detection_layers.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

namespace pillar {
namespace {

constexpr double kNormOfHeads = 1e-5;  // epsilon, LibTorch's default

// x plus what a sublayer gave, some of it dropped, normed.
at::Tensor added(const LayerNorm& norm, const at::Tensor& x, const at::Tensor& given,
                 const DetectionRun& run) {
  return norm(x + dropout(given.to(at::kFloat), run.dropout, run.draws));
}

}  // namespace

HeadAttention::HeadAttention(const Scope& scope, std::int64_t head_count)
    : in_weight(scope.parameter("in_proj_weight")),
      in_bias(scope.parameter("in_proj_bias")),
      out(scope / "out_proj"),
      heads(head_count) {}

at::Tensor HeadAttention::projected(const at::Tensor& x, std::int64_t part, const DetectionRun& run) const {
  const std::int64_t width = in_weight.size(1);
  const at::ScalarType compute = run.execution.compute;
  return at::linear(x.to(compute), in_weight.narrow(0, part * width, width).to(compute),
                    in_bias.narrow(0, part * width, width).to(compute))
      .view({x.size(0), x.size(1), heads, width / heads});
}

at::Tensor HeadAttention::among(const at::Tensor& query_and_key, const at::Tensor& value,
                                const DetectionRun& run) const {
  const at::Tensor q = projected(query_and_key, 0, run), k = projected(query_and_key, 1, run);
  const at::Tensor v = projected(value, 2, run);
  at::Tensor mixed;
  if (run.draws && run.dropout > 0) {
    const std::uint64_t seed = run.seeds->get<at::CPUGeneratorImpl>()->random64();
    mixed = attention_with_dropout(q, k, v, run.dropout, seed);
  } else {
    mixed = merged_attention(q, {{k, v}}, run.execution);
  }
  return out(mixed.flatten(2), run.execution.compute);
}

WeightedAttention HeadAttention::from_few(const at::Tensor& query, const at::Tensor& key,
                                          const at::Tensor& value, const DetectionRun& run) const {
  const WeightedAttention mixed = attention_and_weights(projected(query, 0, run), projected(key, 1, run),
                                                        projected(value, 2, run), run.dropout, run.draws);
  return {out(mixed.out.flatten(2), run.execution.compute), mixed.weights};
}

at::Tensor HeadFeedForward::operator()(const at::Tensor& x, const DetectionRun& run) const {
  const at::ScalarType compute = run.execution.compute;
  return second(dropout(at::relu(first(x, compute)), run.dropout, run.draws), compute);
}

DetectionEncoderLayer::DetectionEncoderLayer(const Scope& scope, std::int64_t heads)
    : attention(scope / "self_attn", heads),
      feed_forward(scope),
      norm1(scope / "norm1", kNormOfHeads),
      norm2(scope / "norm2", kNormOfHeads) {}

at::Tensor DetectionEncoderLayer::operator()(const at::Tensor& tokens, const at::Tensor& positions,
                                             const DetectionRun& run) const {
  const at::Tensor mixed = added(norm1, tokens, attention.among(tokens + positions, tokens, run), run);
  return added(norm2, mixed, feed_forward(mixed, run), run);
}

DetectionDecoderLayer::DetectionDecoderLayer(const Scope& scope, std::int64_t heads)
    : own(scope / "self_attn", heads),
      cross(scope / "multihead_attn", heads),
      feed_forward(scope),
      norm1(scope / "norm1", kNormOfHeads),
      norm2(scope / "norm2", kNormOfHeads),
      norm3(scope / "norm3", kNormOfHeads) {}

std::pair<at::Tensor, at::Tensor> DetectionDecoderLayer::operator()(const at::Tensor& targets,
                                                                    const at::Tensor& query_positions,
                                                                    const Memory& memory,
                                                                    const DetectionRun& run) const {
  const at::Tensor placed = targets + query_positions;
  const at::Tensor among = added(norm1, targets, own.from_few(placed, placed, targets, run).out, run);
  const WeightedAttention looked = cross.from_few(among + query_positions, memory.placed, memory.tokens, run);
  const at::Tensor seen = added(norm2, among, looked.out, run);
  return {added(norm3, seen, feed_forward(seen, run), run), looked.weights};
}

}  // namespace pillar
