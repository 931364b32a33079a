#include "text/qwen3/plain_decoder.h"

#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

namespace pillar::test {
namespace {

struct PlainDecoder {
  const TensorsByName& tensors;
  const Qwen3Config& config;

  at::Tensor weight(const std::string& name) const { return tensors.at(name).to(at::kDouble); }
  at::Tensor product(const std::string& name, const at::Tensor& x) const {
    const bool biased = tensors.count(name + ".bias") != 0;
    return at::linear(x, weight(name + ".weight"), biased ? weight(name + ".bias") : at::Tensor());
  }
  at::Tensor norm(const std::string& name, const at::Tensor& x) const {
    return x / (x.pow(2).mean(-1, true) + config.rms_norm_epsilon).sqrt() * weight(name + ".weight");
  }
  at::Tensor turned(const at::Tensor& x_htd) const {
    const std::int64_t half = config.head_width / 2;
    const at::Tensor share = at::arange(0, config.head_width, 2, at::kDouble) / config.head_width;
    const at::Tensor angle =
        at::outer(at::arange(x_htd.size(1), at::kDouble), at::pow(config.rope_theta, -share));
    const at::Tensor cos = at::cat({angle.cos(), angle.cos()}, -1),
                     sin = at::cat({angle.sin(), angle.sin()}, -1);
    const at::Tensor swapped = at::cat({-x_htd.narrow(-1, half, half), x_htd.narrow(-1, 0, half)}, -1);
    return x_htd * cos + swapped * sin;
  }
  at::Tensor attention(const std::string& name, const at::Tensor& x) const {
    const std::int64_t tokens = x.size(0), shared_by = config.heads / config.key_heads;
    const auto heads = [&](const char* part) {
      return product(name + part, x).view({tokens, -1, config.head_width}).transpose(0, 1);
    };
    const at::Tensor q = turned(norm(name + ".q_norm", heads(".q_proj")));
    const at::Tensor k = turned(norm(name + ".k_norm", heads(".k_proj"))).repeat_interleave(shared_by, 0);
    const at::Tensor v = heads(".v_proj").repeat_interleave(shared_by, 0);
    const at::Tensor later =
        at::full({tokens, tokens}, -std::numeric_limits<double>::infinity(), at::kDouble).triu(1);
    const double scale = 1 / std::sqrt(static_cast<double>(config.head_width));
    const at::Tensor weights = at::softmax(at::matmul(q, k.transpose(1, 2)) * scale + later, -1);
    return product(name + ".o_proj", at::matmul(weights, v).transpose(0, 1).flatten(1));
  }
  at::Tensor mlp(const std::string& name, const at::Tensor& x) const {
    return product(name + ".down_proj",
                   at::silu(product(name + ".gate_proj", x)) * product(name + ".up_proj", x));
  }
};

}  // namespace

at::Tensor plain_hidden(const TensorsByName& tensors, const Qwen3Config& config, const TokenIds& ids) {
  const PlainDecoder plain{tensors, config};
  const std::vector<std::int64_t> rows(ids.begin(), ids.end());
  at::Tensor x = plain.weight("embed_tokens.weight").index_select(0, at::tensor(rows, at::kLong));
  for (std::int64_t l = 0; l < config.layers; ++l) {
    const std::string layer = "layers." + std::to_string(l);
    x = x + plain.attention(layer + ".self_attn", plain.norm(layer + ".input_layernorm", x));
    x = x + plain.mlp(layer + ".mlp", plain.norm(layer + ".post_attention_layernorm", x));
  }
  return plain.norm("norm", x);
}

}  // namespace pillar::test
