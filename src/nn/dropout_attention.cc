#include "nn/shared/attention.h"
#include "nn/shared/draws.h"
#include "nn/shared/layers.h"

#include <algorithm>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

namespace pillar {
namespace {

// Weights in work at once; a few tensors of so many float32 numbers exist at a time.
constexpr std::int64_t kWeightsAtOnce = std::int64_t{1} << 24;

// One run over all blocks of queries: the same draws each time. All tensors (batch, heads, tokens, width).
struct QueryBlocks {
  QueryBlocks(const at::Tensor& query, const at::Tensor& key, double dropout_rate, std::uint64_t seed)
      : q(query),
        k(key),
        rate(dropout_rate),
        scale(1 / std::sqrt(static_cast<double>(query.size(-1)))),
        rows(std::clamp<std::int64_t>(kWeightsAtOnce / (q.size(0) * q.size(1) * k.size(2)), 1, q.size(2))),
        draws(seeded_generator(query.device(), seed)) {}

  struct Block {
    std::int64_t first = 0, count = 0;
    at::Tensor weights;  // softmax, (batch, heads, count, key tokens)
    at::Tensor kept;     // 0 where dropped, else 1 / (1 - rate)
  };
  template <typename Body>
  void for_each(const Body& body) {
    for (std::int64_t first = 0; first < q.size(2); first += rows) {
      Block block{first, std::min(rows, q.size(2) - first), {}, {}};
      block.weights =
          at::softmax(at::matmul(q.narrow(2, first, block.count), k.transpose(-2, -1)).mul_(scale), -1);
      block.kept = at::empty_like(block.weights).bernoulli_(1 - rate, draws).div_(1 - rate);
      body(block);
    }
  }

  const at::Tensor &q, &k;
  double rate, scale;
  std::int64_t rows;
  at::Generator draws;
};

struct DropoutAttention : torch::autograd::Function<DropoutAttention> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& q,
                            const at::Tensor& k, const at::Tensor& v, double rate, std::uint64_t seed) {
    at::Tensor out = at::empty_like(q);
    QueryBlocks(q, k, rate, seed).for_each([&](QueryBlocks::Block& block) {
      out.narrow(2, block.first, block.count).copy_(at::matmul(block.weights.mul_(block.kept), v));
    });
    context->save_for_backward({q, k, v, out});
    context->saved_data["rate"] = rate;
    context->saved_data["seed"] = static_cast<std::int64_t>(seed);
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2];
    // The sum over keys of weight times its gradient, which softmax's backward takes off, is that of the
    // output with its own.
    const at::Tensor along = (grads[0] * saved[3]).sum(-1, true);
    const at::Tensor dq = at::empty_like(q), dk = at::zeros_like(k), dv = at::zeros_like(v);
    QueryBlocks blocks(q, k, context->saved_data["rate"].toDouble(),
                       static_cast<std::uint64_t>(context->saved_data["seed"].toInt()));
    blocks.for_each([&](QueryBlocks::Block& block) {
      const at::Tensor grad = grads[0].narrow(2, block.first, block.count);
      dv.add_(at::matmul((block.weights * block.kept).transpose(-2, -1), grad));
      at::Tensor scores = at::matmul(grad, v.transpose(-2, -1)).mul_(block.kept);
      scores.sub_(along.narrow(2, block.first, block.count)).mul_(block.weights).mul_(blocks.scale);
      dq.narrow(2, block.first, block.count).copy_(at::matmul(scores, k));
      dk.add_(at::matmul(scores.transpose(-2, -1), q.narrow(2, block.first, block.count)));
    });
    return {dq, dk, dv, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor attention_with_dropout(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                  double rate, std::uint64_t seed) {
  const auto heads_first = [](const at::Tensor& x) { return x.to(at::kFloat).transpose(1, 2).contiguous(); };
  return DropoutAttention::apply(heads_first(query), heads_first(key), heads_first(value), rate, seed)
      .transpose(1, 2)
      .to(query.scalar_type());
}

WeightedAttention attention_and_weights(const at::Tensor& query, const at::Tensor& key,
                                        const at::Tensor& value, double rate,
                                        const std::optional<at::Generator>& draws) {
  const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1)));
  const at::Tensor q = query.to(at::kFloat).transpose(1, 2) * scale;
  const at::Tensor scores = at::matmul(q, key.to(at::kFloat).permute({0, 2, 3, 1}));
  const at::Tensor weights = dropout(at::softmax(scores, -1), rate, draws);
  const at::Tensor out = at::matmul(weights, value.to(at::kFloat).transpose(1, 2)).transpose(1, 2);
  return {out.to(query.scalar_type()), weights};
}

}  // namespace pillar
