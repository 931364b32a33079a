#include "text/qwen3/decoder.h"

#include "text/qwen3/attention.h"
#include "text/qwen3/qwen3_memory.h"

#include <algorithm>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mul.h>
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
    const at::Tensor normal = at::empty_like(block, at::kFloat), turned = at::empty_like(normal);
    norm.of_rows(normal, block);
    const at::Tensor a = normal.narrow(2, 0, half), b = normal.narrow(2, half, half);
    at::Tensor new_a = turned.narrow(2, 0, half), new_b = turned.narrow(2, half, half);
    const at::Tensor cos = cos_th.narrow(0, first, rows).unsqueeze(1);
    const at::Tensor sin = sin_th.narrow(0, first, rows).unsqueeze(1);
    at::mul_out(new_a, a, cos).addcmul_(b, sin, -1);
    at::mul_out(new_b, b, cos).addcmul_(a, sin);
    block.copy_(turned);
  });
}

// The product of rows with weights that are placed already.
void multiply_into(at::Tensor out, const Linear& product, const at::Tensor& x_tc) {
  at::linear_out(out, x_tc, product.weight, product.bias);
}

void place_linear(Linear& product, const Execution& execution) {
  product.weight = product.weight.to(execution.device, execution.compute);
  if (product.bias.defined()) product.bias = product.bias.to(execution.device, execution.compute);
}

}  // namespace

RmsNorm::RmsNorm(const Scope& scope, double eps) : weight(scope.parameter("weight")), epsilon(eps) {}

void RmsNorm::of_rows(const at::Tensor& out, const at::Tensor& x) const {
  const at::Tensor x_f32 = x.to(at::kFloat);
  const auto width = static_cast<double>(x.size(-1));
  const at::Tensor length = at::linalg_vector_norm(x_f32, 2, -1, true);
  const at::Tensor scale = length.square_().div_(width).add_(epsilon).rsqrt_();
  const bool direct = out.scalar_type() == at::kFloat;
  at::Tensor normal = direct ? out : at::empty_like(x_f32);
  at::mul_out(normal, x_f32, scale).mul_(weight);
  if (!direct) out.copy_(normal);
}

void RmsNorm::into(const at::Tensor& out, const at::Tensor& x) const {
  for_row_blocks(x, [&](std::int64_t first, std::int64_t rows) {
    of_rows(out.narrow(0, first, rows), x.narrow(0, first, rows));
  });
}

at::Tensor RmsNorm::operator()(const at::Tensor& x) const {
  at::Tensor out = at::empty_like(x, at::kFloat);
  into(out, x);
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

RunRoom::RunRoom(const Qwen3Config& config, std::int64_t tokens, const Execution& execution) {
  const auto options = at::TensorOptions().device(execution.device).dtype(execution.compute);
  states = at::empty({tokens, config.width}, options);
  space = at::empty({tokens * run_room_width(config)}, options);
}

at::Tensor RunRoom::state(std::int64_t tokens) const {
  return states.narrow(0, 0, tokens);
}

std::vector<at::Tensor> RunRoom::split(std::int64_t tokens,
                                       std::initializer_list<std::int64_t> widths) const {
  std::vector<at::Tensor> parts;
  std::int64_t first = 0;
  for (const std::int64_t width : widths) {
    parts.push_back(space.narrow(0, first, tokens * width).view({tokens, width}));
    first += tokens * width;
  }
  return parts;
}

SelfAttention::SelfAttention(const Scope& scope, const Qwen3Config& config)
    : q_proj(scope / "q_proj"),
      k_proj(scope / "k_proj"),
      v_proj(scope / "v_proj"),
      o_proj(scope / "o_proj"),
      q_norm(scope / "q_norm", config.rms_norm_epsilon),
      k_norm(scope / "k_norm", config.rms_norm_epsilon),
      head_width(config.head_width) {}

void SelfAttention::run(const at::Tensor& x_tc, const TextRun& run, const RotaryTable& rotary,
                        const RunRoom& room) const {
  const std::vector<at::Tensor> qkv_tc =
      room.split(run.tokens(), {q_proj.weight.size(0), k_proj.weight.size(0), v_proj.weight.size(0)});
  const auto heads = [&](const at::Tensor& y_tc, const Linear& product) {
    multiply_into(y_tc, product, x_tc);
    return y_tc.unflatten(1, {-1, head_width});
  };
  const at::Tensor q_thd = heads(qkv_tc[0], q_proj), k_thd = heads(qkv_tc[1], k_proj);
  const at::Tensor v_thd = heads(qkv_tc[2], v_proj);
  const at::Tensor cos_th = rotary.cos.index_select(0, run.places);
  const at::Tensor sin_th = rotary.sin.index_select(0, run.places);
  normalise_and_turn(q_thd, q_norm, cos_th, sin_th);
  normalise_and_turn(k_thd, k_norm, cos_th, sin_th);
  multiply_into(x_tc, o_proj, causal_attention(q_thd, k_thd, v_thd, run).flatten(1));
}

void SelfAttention::place(const Execution& execution) {
  for (Linear* product : {&q_proj, &k_proj, &v_proj, &o_proj}) place_linear(*product, execution);
  q_norm.place(execution.device);
  k_norm.place(execution.device);
}

GatedMlp::GatedMlp(const Scope& scope)
    : gate_proj(scope / "gate_proj"), up_proj(scope / "up_proj"), down_proj(scope / "down_proj") {}

void GatedMlp::run(const at::Tensor& x_tc, const RunRoom& room) const {
  const std::int64_t inner = gate_proj.weight.size(0);
  const std::vector<at::Tensor> parts = room.split(x_tc.size(0), {inner, inner});
  const at::Tensor &gate = parts[0], &up = parts[1];
  multiply_into(gate, gate_proj, x_tc);
  multiply_into(up, up_proj, x_tc);
  for_row_blocks(gate, [&](std::int64_t first, std::int64_t rows) {
    at::Tensor block = gate.narrow(0, first, rows);
    at::silu_(block).mul_(up.narrow(0, first, rows));
  });
  multiply_into(x_tc, down_proj, gate);
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
                       const RunRoom& room) const {
  const at::Tensor h_tc = hidden_tc.narrow(0, run.first_token, run.tokens());
  const at::Tensor x_tc = room.state(run.tokens());
  input_layernorm.into(x_tc, h_tc);
  self_attn.run(x_tc, run, rotary, room);
  h_tc.add_(x_tc);
  post_attention_layernorm.into(x_tc, h_tc);
  mlp.run(x_tc, room);
  h_tc.add_(x_tc);
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
      rotary_(config, longest_text, execution.device),
      config_(config) {
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
  std::int64_t most_tokens = 0;
  for (const TextRun& run : texts.runs) most_tokens = std::max(most_tokens, run.tokens());
  const RunRoom room(config_, most_tokens, execution_);
  for (DecoderLayer layer : layers_) {  // a copy of its handles: weights of another type live as long as it
    layer.place(execution_);
    for (const TextRun& run : texts.runs) layer.run(hidden_tc, run, rotary_, room);
    if (layer_done) layer_done();
  }
  for (const TextRun& run : texts.runs) take(run, norm_(hidden_tc.narrow(0, run.first_token, run.tokens())));
}

}  // namespace pillar
