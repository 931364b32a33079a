#include "plain_qwen3.h"

#include <algorithm>
#include <limits>
#include <string>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

namespace pillar::bench {
namespace {

struct PlainQwen3 {
  const WeightMap& weights;
  const Qwen3Config& config;

  at::Tensor product(const std::string& name, const at::Tensor& x) const {
    return at::linear(x, weights.at(name + ".weight"));
  }
  at::Tensor norm(const std::string& name, const at::Tensor& x) const {
    return weights.at(name + ".weight") * (x * at::rsqrt(x.pow(2).mean(-1, true) + config.rms_norm_epsilon));
  }
  at::Tensor turned(const at::Tensor& x_bhtd, const at::Tensor& cos_td, const at::Tensor& sin_td) const {
    const std::int64_t half = config.head_width / 2;
    const at::Tensor swapped = at::cat({-x_bhtd.narrow(-1, half, half), x_bhtd.narrow(-1, 0, half)}, -1);
    return x_bhtd * cos_td + swapped * sin_td;
  }
  at::Tensor attention(const std::string& name, const at::Tensor& x_btc, const at::Tensor& mask,
                       const at::Tensor& cos_td, const at::Tensor& sin_td) const {
    const std::int64_t shared_by = config.heads / config.key_heads;
    const auto heads = [&](const char* part) {
      return product(name + part, x_btc).unflatten(-1, {-1, config.head_width});
    };
    const at::Tensor q = turned(norm(name + ".q_norm", heads(".q_proj")).transpose(1, 2), cos_td, sin_td);
    const at::Tensor k = turned(norm(name + ".k_norm", heads(".k_proj")).transpose(1, 2), cos_td, sin_td);
    const at::Tensor v = heads(".v_proj").transpose(1, 2);
    const at::Tensor out = at::scaled_dot_product_attention(q, k.repeat_interleave(shared_by, 1),
                                                            v.repeat_interleave(shared_by, 1), mask);
    return product(name + ".o_proj", out.transpose(1, 2).flatten(2));
  }
  at::Tensor mlp(const std::string& name, const at::Tensor& x_btc) const {
    return product(name + ".down_proj",
                   at::silu(product(name + ".gate_proj", x_btc)) * product(name + ".up_proj", x_btc));
  }
  at::Tensor hidden(const at::Tensor& ids_bt, const at::Tensor& mask) const {
    const at::Tensor share = at::arange(0, config.head_width, 2, at::kFloat) / config.head_width;
    const at::Tensor angle =
        at::outer(at::arange(ids_bt.size(1), at::kFloat), at::pow(config.rope_theta, share).reciprocal());
    const at::Tensor cos_td = at::cat({angle.cos(), angle.cos()}, -1);
    const at::Tensor sin_td = at::cat({angle.sin(), angle.sin()}, -1);
    at::Tensor x_btc = at::embedding(weights.at("embed_tokens.weight"), ids_bt);
    for (std::int64_t l = 0; l < config.layers; ++l) {
      const std::string layer = fmt::format("layers.{}", l);
      x_btc = x_btc +
              attention(layer + ".self_attn", norm(layer + ".input_layernorm", x_btc), mask, cos_td, sin_td);
      x_btc = x_btc + mlp(layer + ".mlp", norm(layer + ".post_attention_layernorm", x_btc));
    }
    return norm("norm", x_btc);
  }
};

// Ids and which of them are the text's own, padded at the end.
struct PaddedBatch {
  at::Tensor ids_bt, own_bt;
};

PaddedBatch padded(std::span<const TokenIds> texts) {
  std::size_t longest = 0;
  for (const TokenIds& text : texts) longest = std::max(longest, text.size());
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(texts.size()),
                                           static_cast<std::int64_t>(longest)};
  PaddedBatch batch{at::zeros(shape, at::kLong), at::zeros(shape, at::kBool)};
  for (std::size_t b = 0; b < texts.size(); ++b) {
    std::copy(texts[b].begin(), texts[b].end(), batch.ids_bt.mutable_data_ptr<std::int64_t>() + b * longest);
    batch.own_bt[static_cast<std::int64_t>(b)]
        .narrow(0, 0, static_cast<std::int64_t>(texts[b].size()))
        .fill_(true);
  }
  return batch;
}

// Added to scores: 0 where a token may look, minus infinity elsewhere.
at::Tensor mask_of(const at::Tensor& own_bt) {
  const std::int64_t tokens = own_bt.size(1);
  const at::Tensor earlier = at::ones({tokens, tokens}, at::kBool).tril();
  const at::Tensor seen = earlier & own_bt.unsqueeze(1).unsqueeze(1);
  return at::zeros(seen.sizes(), at::kFloat)
      .masked_fill(seen.logical_not(), -std::numeric_limits<float>::infinity());
}

}  // namespace

at::Tensor plain_qwen3(const std::vector<TokenIds>& texts, const WeightMap& weights,
                       const Qwen3Config& config, std::int64_t batch) {
  const at::NoGradGuard no_gradients;
  const PlainQwen3 plain{weights, config};
  std::vector<at::Tensor> rows;
  for (std::span<const TokenIds> rest = texts; !rest.empty();) {
    const std::size_t count = std::min(rest.size(), static_cast<std::size_t>(batch));
    const PaddedBatch padded_batch = padded(rest.first(count));
    const at::Tensor hidden_btc = plain.hidden(padded_batch.ids_bt, mask_of(padded_batch.own_bt));
    const at::Tensor own = padded_batch.own_bt.unsqueeze(-1).to(at::kFloat);
    const at::Tensor mean_bc = (hidden_btc * own).sum(1) / own.sum(1);
    rows.push_back(mean_bc / mean_bc.norm(2, -1, true));
    rest = rest.subspan(count);
  }
  return at::cat(rows);
}

}  // namespace pillar::bench
