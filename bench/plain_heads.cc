#include "plain_heads.h"

#include "pillar/model/head_layers.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

namespace pillar::bench {
namespace {

// What a layer's weights begin with.
struct PlainScope {
  const WeightMap& weights;
  std::string prefix;

  const at::Tensor& operator()(const std::string& name) const { return weights.at(prefix + name); }
  PlainScope operator/(const std::string& name) const { return {weights, prefix + name + "."}; }
};

struct PlainDropout {
  double rate;
  bool train;
  at::Tensor operator()(const at::Tensor& x) const { return at::dropout(x, rate, train); }
};

at::Tensor linear_of(const PlainScope& layer, const at::Tensor& x) {
  return at::linear(x, layer("weight"), layer("bias"));
}

at::Tensor norm_of(const PlainScope& layer, const at::Tensor& x) {
  return at::layer_norm(x, {x.size(-1)}, layer("weight"), layer("bias"));
}

// x (B, N, C) by attention over N.
at::Tensor attended(const PlainScope& attention, const at::Tensor& x) {
  return (x * at::softmax(linear_of(attention / "attention_fc", x), 1)).sum(1);
}

at::Tensor plain_pool(const PlainScope& pool, const at::Tensor& activ_bctyx) {
  const std::int64_t batch = activ_bctyx.size(0), channels = activ_bctyx.size(1),
                     planes = activ_bctyx.size(2);
  const at::Tensor rows = activ_bctyx.permute({0, 2, 3, 4, 1}).reshape({batch * planes, -1, channels});
  const at::Tensor hidden1 =
      attended(pool / "volume_pool1", attended(pool / "image_pool1", rows).view({batch, planes, channels}));
  const at::Tensor largest = rows.amax(1).view({batch, planes, channels});
  const at::Tensor& kernel = (pool / "volume_pool2")("conv1d.weight");
  const at::Tensor along = at::conv1d(largest.transpose(1, 2), kernel, {}, 1, kernel.size(2) / 2);
  const at::Tensor hidden2 = attended(pool / "volume_pool2" / "aggregate", along.transpose(1, 2));
  return linear_of(pool / "hidden_fc", at::cat({hidden1, hidden2, largest.amax(1)}, 1));
}

at::Tensor plain_hazards(const PlainScope& head, const at::Tensor& hidden) {
  const at::Tensor hazards = at::relu(linear_of(head / "hazard_fc", hidden));
  return at::matmul(hazards, head("upper_triagular_mask")) + linear_of(head / "base_hazard_fc", hidden);
}

// Every query's weight for every key is kept, for the backward.
at::Tensor plain_attention(const PlainScope& layer, std::int64_t heads, const at::Tensor& query,
                           const at::Tensor& key, const at::Tensor& value, const PlainDropout& drop) {
  const std::int64_t width = query.size(2);
  const auto projected = [&](const at::Tensor& x, std::int64_t part) {
    return at::linear(x, layer("in_proj_weight").narrow(0, part * width, width),
                      layer("in_proj_bias").narrow(0, part * width, width))
        .view({x.size(0), x.size(1), heads, width / heads})
        .transpose(1, 2);
  };
  const double scale = 1 / std::sqrt(static_cast<double>(width / heads));
  const at::Tensor scores = at::matmul(projected(query, 0) * scale, projected(key, 1).transpose(2, 3));
  const at::Tensor mixed = at::matmul(drop(at::softmax(scores, -1)), projected(value, 2));
  return linear_of(layer / "out_proj", mixed.transpose(1, 2).flatten(2));
}

at::Tensor plain_feed_forward(const PlainScope& layer, const at::Tensor& x, const PlainDropout& drop) {
  return drop(linear_of(layer / "linear2", drop(at::relu(linear_of(layer / "linear1", x)))));
}

PlainHeadsOutput plain_detection(const PlainScope& head, const DetectionHeadConfig& config,
                                 const at::Tensor& activ_bctyx, const PlainDropout& drop) {
  const at::Tensor positions =
      detection_positions(activ_bctyx.size(2), activ_bctyx.size(4), config.width).to(activ_bctyx.device());
  at::Tensor tokens = at::linear(activ_bctyx.flatten(2).transpose(1, 2), head("input_proj.weight").flatten(1),
                                 head("input_proj.bias"));
  const PlainScope transformer = head / "transformer_model";
  for (std::int64_t i = 0; i < config.encoder_layers; ++i) {
    const PlainScope layer = transformer / "encoder" / "layers" / std::to_string(i);
    const at::Tensor placed = tokens + positions;
    const at::Tensor mixed =
        drop(plain_attention(layer / "self_attn", config.heads, placed, placed, tokens, drop));
    tokens = norm_of(layer / "norm1", tokens + mixed);
    tokens = norm_of(layer / "norm2", tokens + plain_feed_forward(layer, tokens, drop));
  }
  const at::Tensor& queries = head("query_embed.weight");
  const at::Tensor memory = tokens + positions;
  at::Tensor targets = at::zeros({tokens.size(0), config.queries, config.width}, tokens.options());
  for (std::int64_t i = 0; i < config.decoder_layers; ++i) {
    const PlainScope layer = transformer / "decoder" / "layers" / std::to_string(i);
    const at::Tensor placed = targets + queries;
    const at::Tensor own =
        drop(plain_attention(layer / "self_attn", config.heads, placed, placed, targets, drop));
    targets = norm_of(layer / "norm1", targets + own);
    const at::Tensor seen = drop(
        plain_attention(layer / "multihead_attn", config.heads, targets + queries, memory, tokens, drop));
    targets = norm_of(layer / "norm2", targets + seen);
    targets = norm_of(layer / "norm3", targets + plain_feed_forward(layer, targets, drop));
  }
  targets = norm_of(transformer / "decoder" / "norm", targets);
  const PlainScope boxes = head / "bbox_embed" / "layers";
  at::Tensor numbers = drop(at::relu(linear_of(boxes / "0", targets)));
  numbers = drop(at::relu(linear_of(boxes / "3", numbers)));
  return {{}, linear_of(head / "class_embed", targets), at::sigmoid(linear_of(boxes / "6", numbers))};
}

}  // namespace

PlainHeadsOutput plain_heads(const WeightMap& weights, const DetectionHeadConfig& detection,
                             const at::Tensor& activ_bctyx, bool train) {
  const at::Tensor map = activ_bctyx.to(at::kFloat);
  const PlainScope heads{weights, "head_models."};
  PlainHeadsOutput output = plain_detection(heads / "detr", detection, map, {detection.dropout, train});
  output.logits = plain_hazards(heads / "survival", plain_pool({weights, "pool."}, map));
  return output;
}

double plain_attention_bytes(const DetectionHeadConfig& detection, std::int64_t tokens) {
  // Kept of a layer: weights, weights after dropout (float32) and what was dropped (a byte); while one is
  // computed, scores and a gradient beside them.
  constexpr double kKept = 9, kPassing = 8;
  const double pairs = static_cast<double>(tokens) * static_cast<double>(tokens);
  return static_cast<double>(detection.heads) * pairs *
         (kKept * static_cast<double>(detection.encoder_layers) + kPassing);
}

}  // namespace pillar::bench
