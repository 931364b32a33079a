#include "text/qwen3/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>

namespace pillar {
namespace {

// LibTorch's flash attention on GPUs takes all texts at once, 16-bit types and widths of whole 16-byte words.
bool has_packed_kernel(const at::Tensor& q_thd) {
  constexpr std::int64_t kWord = 8, kWidest = 256;
  const std::int64_t width = q_thd.size(2);
  return q_thd.is_cuda() && q_thd.scalar_type() != at::kFloat && width % kWord == 0 && width <= kWidest;
}

at::Tensor packed_attention(const at::Tensor& q_thd, const at::Tensor& k_thd, const at::Tensor& v_thd,
                            const TextRun& run) {
  return std::get<0>(at::_flash_attention_forward(q_thd, k_thd, v_thd, run.offsets_i32, run.offsets_i32,
                                                  run.longest, run.longest, 0.0, true, false));
}

// One text, as a batch of key heads: (key heads, heads a key head, tokens, width). Keys are repeated by a
// stride of 0, not copied.
at::Tensor attention_of_text(const at::Tensor& q_thd, const at::Tensor& k_thd, const at::Tensor& v_thd) {
  const std::int64_t key_heads = k_thd.size(1), shared_by = q_thd.size(1) / key_heads;
  const auto of_queries = [&](const at::Tensor& x) {
    return x.unflatten(1, {key_heads, shared_by}).permute({1, 2, 0, 3});
  };
  const auto of_keys = [&](const at::Tensor& x) {
    return x.permute({1, 0, 2}).unsqueeze(1).expand({-1, shared_by, -1, -1});
  };
  const at::Tensor q = of_queries(q_thd), k = of_keys(k_thd), v = of_keys(v_thd);
  const at::Tensor out = q.is_cpu()
                             ? std::get<0>(at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0, true))
                             : at::scaled_dot_product_attention(q, k, v, {}, 0, true);
  return out.permute({2, 0, 1, 3}).flatten(1, 2);
}

void attend_text_by_text(const at::Tensor& q_thd, const at::Tensor& k_thd, const at::Tensor& v_thd,
                         const TextRun& run) {
  for (std::size_t text = 0; text + 1 < run.offsets.size(); ++text) {
    const std::int64_t first = run.offsets[text], tokens = run.offsets[text + 1] - first;
    const auto of_text = [&](const at::Tensor& x) { return x.narrow(0, first, tokens); };
    of_text(q_thd).copy_(attention_of_text(of_text(q_thd), of_text(k_thd), of_text(v_thd)));
  }
}

constexpr std::int64_t kQueryTokens = 128;

// What a thread multiplies into, kept from block to block: fresh memory would cost as much as a product.
struct BlockRoom {
  at::Tensor queries, scores, results;
};

BlockRoom room_of_block(std::int64_t shared_by, std::int64_t longest, const at::Tensor& q_thd) {
  const std::int64_t rows = kQueryTokens * shared_by;
  const auto numbers = [&](std::int64_t count) { return at::empty({count}, q_thd.options()); };
  return {numbers(rows * q_thd.size(2)), numbers(rows * longest), numbers(rows * q_thd.size(2))};
}

at::Tensor rows_of(const at::Tensor& room, std::int64_t rows, std::int64_t columns) {
  return room.narrow(0, 0, rows * columns).view({rows, columns});
}

// The queries q (tokens, heads that share a key head, width) of one text over k and v (tokens, width), in
// place. All heads' queries of 128 tokens are the rows of one product with the keys up to the last of them:
// large enough for the matrix kernels, with little that causality throws away.
void attend_key_head(const at::Tensor& q_tsd, const at::Tensor& k_td, const at::Tensor& v_td,
                     const at::Tensor& later_tt, const BlockRoom& room) {
  const std::int64_t tokens = q_tsd.size(0), shared_by = q_tsd.size(1), width = q_tsd.size(2);
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  for (std::int64_t first = 0; first < tokens; first += kQueryTokens) {
    const std::int64_t count = std::min(kQueryTokens, tokens - first), seen = first + count;
    const std::int64_t rows = count * shared_by;
    const at::Tensor q_csd = q_tsd.narrow(0, first, count);
    at::Tensor queries = rows_of(room.queries, rows, width), results = rows_of(room.results, rows, width);
    at::Tensor scores = rows_of(room.scores, rows, seen);
    at::Tensor scaled = queries.view_as(q_csd);
    at::mul_out(scaled, q_csd, at::scalar_tensor(scale, q_csd.options()));
    at::mm_out(scores, queries, k_td.narrow(0, 0, seen).t());
    const at::Tensor later = later_tt.narrow(0, 0, count).narrow(1, 0, count).unsqueeze(1);
    scores.view({count, shared_by, seen}).narrow(2, first, count).add_(later);
    at::softmax_out(scores, scores, 1);
    at::mm_out(results, scores, v_td.narrow(0, 0, seen));
    q_csd.copy_(results.view_as(q_csd));
  }
}

// In float32 on a CPU: faster than LibTorch's flash attention, whose products are of 32 or 64 rows of one
// head.
void attend_by_key_heads(const at::Tensor& q_thd, const at::Tensor& k_thd, const at::Tensor& v_thd,
                         const TextRun& run) {
  const std::int64_t key_heads = k_thd.size(1), shared_by = q_thd.size(1) / key_heads;
  const auto texts = static_cast<std::int64_t>(run.offsets.size()) - 1;
  const double masked = -std::numeric_limits<double>::infinity();
  const at::Tensor later_tt = at::full({kQueryTokens, kQueryTokens}, masked, q_thd.options()).triu(1);
  // Texts vary within a key head, so that threads get equal shares of long ones.
  at::parallel_for(0, key_heads * texts, 1, [&](std::int64_t begin, std::int64_t end) {
    const at::NoGradGuard no_gradients;  // threads do not inherit it
    const BlockRoom room = room_of_block(shared_by, run.longest, q_thd);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t head = i / texts;
      const auto text = static_cast<std::size_t>(i % texts);
      const std::int64_t first = run.offsets[text], tokens = run.offsets[text + 1] - first;
      attend_key_head(q_thd.narrow(0, first, tokens).narrow(1, head * shared_by, shared_by),
                      k_thd.narrow(0, first, tokens).select(1, head),
                      v_thd.narrow(0, first, tokens).select(1, head), later_tt, room);
    }
  });
}

}  // namespace

at::Tensor causal_attention(const at::Tensor& q_thd, const at::Tensor& k_thd, const at::Tensor& v_thd,
                            const TextRun& run) {
  if (has_packed_kernel(q_thd)) return packed_attention(q_thd, k_thd, v_thd, run);
  if (q_thd.is_cpu() && q_thd.scalar_type() == at::kFloat)
    attend_by_key_heads(q_thd, k_thd, v_thd, run);
  else
    attend_text_by_text(q_thd, k_thd, v_thd, run);
  return q_thd;
}

}  // namespace pillar
