#include "text/qwen3/decoder.h"

#include "text/qwen3/attention.h"

#include <algorithm>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/silu.h>

namespace pillar {
namespace {

// Calls body(first row, rows) for parts of x's rows on all threads, each small enough that what LibTorch's
// operators make of it stays in a core's cache. On a GPU, once for all rows.
template <typename Body>
void for_row_blocks(const at::Tensor& x, const Body& body) {
  constexpr std::int64_t kBlockNumbers = 1 << 16;
  const std::int64_t rows = x.size(0);
  if (!x.is_cpu()) return body(0, rows);
  const std::int64_t block =
      std::max<std::int64_t>(1, kBlockNumbers * rows / std::max<std::int64_t>(1, x.numel()));
  at::parallel_for(0, (rows + block - 1) / block, 1, [&](std::int64_t begin, std::int64_t end) {
    const at::NoGradGuard no_gradients;  // threads do not inherit it
    for (std::int64_t i = begin; i < end; ++i) body(i * block, std::min(block, rows - i * block));
  });
}

// Queries or keys (tokens, heads, width), in place: each head normalised, then turned by its token's place.
// The first half of a head and its second are the two coordinates of what is turned.
void normalise_and_turn(const at::Tensor& x_thd, const RmsNorm& norm, const at::Tensor& cos_th,
                        const at::Tensor& sin_th) {
  const std::int64_t half = cos_th.size(1);
  for_row_blocks(x_thd, [&](std::int64_t first, std::int64_t rows) {
    const at::Tensor block = x_thd.narrow(0, first, rows);
    const at::Tensor normal = norm.of_rows(block);
    const at::Tensor a = normal.narrow(2, 0, half), b = normal.narrow(2, half, half);
    const at::Tensor cos = cos_th.narrow(0, first, rows).unsqueeze(1);
    const at::Tensor sin = sin_th.narrow(0, first, rows).unsqueeze(1);
    block.narrow(2, 0, half).copy_((a * cos).sub_(b * sin));
    block.narrow(2, half, half).copy_((b * cos).add_(a * sin));
  });
}

void place_linear(Linear& product, const Execution& execution) {
  product.weight = product.weight.to(execution.device, execution.compute);
  if (product.bias.defined()) product.bias = product.bias.to(execution.device, execution.compute);
}

}  // namespace

RmsNorm::RmsNorm(const Scope& scope, double eps) : weight(scope.parameter("weight")), epsilon(eps) {}

at::Tensor RmsNorm::of_rows(const at::Tensor& rows) const {
  const at::Tensor x = rows.to(at::kFloat);
  return (x * x.square().mean(-1, true).add_(epsilon).rsqrt_()).mul_(weight);
}

at::Tensor RmsNorm::operator()(const at::Tensor& x) const {
  at::Tensor out = at::empty_like(x, at::kFloat);
  for_row_blocks(x, [&](std::int64_t first, std::int64_t rows) {
    out.narrow(0, first, rows).copy_(of_rows(x.narrow(0, first, rows)));
  });
  return out;
}

void RmsNorm::place(const at::Device& device) {
  weight = weight.to(device, at::kFloat);
}

// In float32 throughout, as the models were trained: rounding of the angles is part of them.
RotaryTable::RotaryTable(const Qwen3Config& config, std::int64_t places, const at::Device& device) {
  const at::Tensor share = at::arange(0, config.head_width, 2, at::kFloat) / config.head_width;
  const at::Tensor frequency = at::pow(config.rope_theta, share).reciprocal();
  const at::Tensor angle = at::outer(at::arange(places, at::kFloat), frequency);
  cos = angle.cos().to(device);
  sin = angle.sin().to(device);
}

SelfAttention::SelfAttention(const Scope& scope, const Qwen3Config& config)
    : q_proj(scope / "q_proj"),
      k_proj(scope / "k_proj"),
      v_proj(scope / "v_proj"),
      o_proj(scope / "o_proj"),
      q_norm(scope / "q_norm", config.rms_norm_epsilon),
      k_norm(scope / "k_norm", config.rms_norm_epsilon),
      head_width(config.head_width) {}

at::Tensor SelfAttention::operator()(const at::Tensor& x_tc, const TextRun& run, const RotaryTable& rotary,
                                     at::ScalarType compute) const {
  const auto heads = [&](const Linear& product) {
    return product(x_tc, compute).unflatten(1, {-1, head_width});
  };
  const at::Tensor q_thd = heads(q_proj), k_thd = heads(k_proj), v_thd = heads(v_proj);
  const at::Tensor cos_th = rotary.cos.index_select(0, run.places);
  const at::Tensor sin_th = rotary.sin.index_select(0, run.places);
  normalise_and_turn(q_thd, q_norm, cos_th, sin_th);
  normalise_and_turn(k_thd, k_norm, cos_th, sin_th);
  return o_proj(causal_attention(q_thd, k_thd, v_thd, run).flatten(1), compute);
}

void SelfAttention::place(const Execution& execution) {
  for (Linear* product : {&q_proj, &k_proj, &v_proj, &o_proj}) place_linear(*product, execution);
  q_norm.place(execution.device);
  k_norm.place(execution.device);
}

GatedMlp::GatedMlp(const Scope& scope)
    : gate_proj(scope / "gate_proj"), up_proj(scope / "up_proj"), down_proj(scope / "down_proj") {}

at::Tensor GatedMlp::operator()(const at::Tensor& x_tc, at::ScalarType compute) const {
  const at::Tensor gate = gate_proj(x_tc, compute), up = up_proj(x_tc, compute);
  for_row_blocks(gate, [&](std::int64_t first, std::int64_t rows) {
    at::Tensor block = gate.narrow(0, first, rows);
    at::silu_(block).mul_(up.narrow(0, first, rows));
  });
  return down_proj(gate, compute);
}

void GatedMlp::place(const Execution& execution) {
  for (Linear* product : {&gate_proj, &up_proj, &down_proj}) place_linear(*product, execution);
}

DecoderLayer::DecoderLayer(const Scope& scope, const Qwen3Config& config)
    : input_layernorm(scope / "input_layernorm", config.rms_norm_epsilon),
      post_attention_layernorm(scope / "post_attention_layernorm", config.rms_norm_epsilon),
      self_attn(scope / "self_attn", config),
      mlp(scope / "mlp") {}

void DecoderLayer::run(const at::Tensor& hidden_tc, const TextRun& run, const RotaryTable& rotary,
                       at::ScalarType compute) const {
  const at::Tensor x_tc = hidden_tc.narrow(0, run.first_token, run.tokens());
  x_tc.add_(self_attn(input_layernorm(x_tc).to(compute), run, rotary, compute));
  x_tc.add_(mlp(post_attention_layernorm(x_tc).to(compute), compute));
}

void DecoderLayer::place(const Execution& execution) {
  input_layernorm.place(execution.device);
  post_attention_layernorm.place(execution.device);
  self_attn.place(execution);
  mlp.place(execution);
}

Decoder::Decoder(const WeightMap& weights, const Qwen3Config& config, const Execution& execution,
                 std::int64_t longest_text)
    : execution_(execution),
      table_(Scope(weights, "embed_tokens").parameter("weight")),
      norm_(Scope(weights, "norm"), config.rms_norm_epsilon),
      rotary_(config, longest_text, execution.device) {
  const Scope layers(weights, "layers");
  for (std::int64_t layer = 0; layer < config.layers; ++layer)
    layers_.emplace_back(layers / static_cast<std::size_t>(layer), config);
  norm_.place(execution.device);
  if (execution.device.is_cpu()) return;
  table_ = table_.to(execution.device);
  for (DecoderLayer& layer : layers_) layer.place(execution);
}

void Decoder::run(const PackedTexts& texts, const TakeRun& take,
                  const std::function<void()>& layer_done) const {
  const at::Tensor hidden_tc = table_.index_select(0, texts.ids).to(at::kFloat);
  if (layer_done) layer_done();
  for (DecoderLayer layer : layers_) {  // a copy of its handles: weights of another type live as long as it
    layer.place(execution_);
    for (const TextRun& run : texts.runs) layer.run(hidden_tc, run, rotary_, execution_.compute);
    if (layer_done) layer_done();
  }
  for (const TextRun& run : texts.runs) take(run, norm_(hidden_tc.narrow(0, run.first_token, run.tokens())));
}

}  // namespace pillar
