#include "text/qwen3/attention.h"

#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/scaled_dot_product_attention.h>

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

}  // namespace

at::Tensor causal_attention(const at::Tensor& q_thd, const at::Tensor& k_thd, const at::Tensor& v_thd,
                            const TextRun& run) {
  if (has_packed_kernel(q_thd)) return packed_attention(q_thd, k_thd, v_thd, run);
  at::Tensor out_thd = at::empty_like(q_thd);
  for (std::size_t text = 0; text + 1 < run.offsets.size(); ++text) {
    const std::int64_t first = run.offsets[text], tokens = run.offsets[text + 1] - first;
    const auto of_text = [&](const at::Tensor& x) { return x.narrow(0, first, tokens); };
    of_text(out_thd).copy_(attention_of_text(of_text(q_thd), of_text(k_thd), of_text(v_thd)));
  }
  return out_thd;
}

}  // namespace pillar
