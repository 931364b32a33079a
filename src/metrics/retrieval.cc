#include "pillar/metrics/retrieval.h"

#include "pillar/core/fail.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/matmul.h>

namespace pillar {
namespace {

constexpr std::int64_t kBlockScores = 1 << 22;  // 32 MiB

// In double, equal embeddings get scores that differ by no more than this whatever column of a product they
// are in; a product in float32 would rank the equal keys of a collapsed model by its rounding.
constexpr double kTie = 1e-12;

at::Tensor in_double(const at::Tensor& rows_nw, const char* name) {
  if (rows_nw.dim() != 2 || !rows_nw.is_floating_point())
    fail(ErrorCategory::input, "{}: a floating-point matrix of one row a study is wanted, not {} of {} axes",
         name, c10::toString(rows_nw.scalar_type()), rows_nw.dim());
  at::Tensor rows = rows_nw.to(at::kDouble);
  if (!at::isfinite(rows).all().item<bool>())
    fail(ErrorCategory::input, "{}: an embedding is NaN or infinite", name);
  return rows;
}

// 1 + how many keys score higher than the match + half of how many others score the same.
at::Tensor ranks_of_block(const at::Tensor& scores_bn, std::int64_t first_row) {
  const at::Tensor match = scores_bn.diagonal(first_row).unsqueeze(1);
  const at::Tensor higher = (scores_bn > match + kTie).sum(1);
  const at::Tensor not_lower = (scores_bn >= match - kTie).sum(1);  // the match among them
  return 1 + higher + 0.5 * (not_lower - higher - 1);
}

}  // namespace

at::Tensor retrieval_ranks(const at::Tensor& queries_nw, const at::Tensor& keys_nw) {
  const at::NoGradGuard no_gradients;
  const at::Tensor queries = in_double(queries_nw, "queries");
  const at::Tensor keys = in_double(keys_nw, "keys").to(queries.device());
  if (queries.sizes() != keys.sizes())
    fail(ErrorCategory::input, "retrieval: {} queries of width {} cannot match {} keys of width {}",
         queries.size(0), queries.size(1), keys.size(0), keys.size(1));
  if (queries.numel() == 0) fail(ErrorCategory::input, "retrieval: no embeddings");

  const std::int64_t count = queries.size(0);
  const std::int64_t block = std::clamp<std::int64_t>(kBlockScores / count, 1, count);
  const at::Tensor keys_wn = keys.t();
  std::vector<at::Tensor> ranks;
  for (std::int64_t row = 0; row < count; row += block) {
    const at::Tensor rows = queries.slice(0, row, std::min(row + block, count));
    ranks.push_back(ranks_of_block(at::matmul(rows, keys_wn), row));
  }
  return at::cat(ranks).to(at::kCPU, at::kDouble).contiguous();
}

RetrievalScores scores_of_ranks(std::vector<double> ranks) {
  std::sort(ranks.begin(), ranks.end());
  const std::size_t count = ranks.size();
  const auto recall = [&](double k) {
    const auto found = std::upper_bound(ranks.begin(), ranks.end(), k) - ranks.begin();
    return static_cast<double>(found) / static_cast<double>(count);
  };
  RetrievalScores scores;
  scores.count = static_cast<std::int64_t>(count);
  scores.recall_at_1 = recall(1);
  scores.recall_at_5 = recall(5);
  scores.recall_at_10 = recall(10);
  scores.recall_at_50 = recall(50);
  scores.median_rank = (ranks[(count - 1) / 2] + ranks[count / 2]) / 2;
  return scores;
}

RetrievalScores chance_scores(std::int64_t pairs) {
  const auto all = static_cast<double>(pairs);
  const auto recall = [&](double k) { return std::min(k, all) / all; };
  RetrievalScores scores;
  scores.count = pairs;
  scores.recall_at_1 = recall(1);
  scores.recall_at_5 = recall(5);
  scores.recall_at_10 = recall(10);
  scores.recall_at_50 = recall(50);
  scores.median_rank = static_cast<double>(pairs + 1) / 2;
  return scores;
}

RetrievalScores retrieval_scores(const at::Tensor& queries_nw, const at::Tensor& keys_nw) {
  const at::Tensor ranks = retrieval_ranks(queries_nw, keys_nw);
  const auto* values = ranks.const_data_ptr<double>();
  return scores_of_ranks({values, values + ranks.numel()});
}

double mean_pairwise_cosine(const at::Tensor& rows_nw) {
  const at::NoGradGuard no_gradients;
  at::Tensor rows = in_double(rows_nw, "embeddings");
  const auto count = static_cast<double>(rows.size(0));
  if (count < 2) return 0;
  rows = rows / rows.norm(2, {1}, true).clamp_min(1e-300);
  // Over all pairs the cosines sum to the squared length of the sum; those of rows with themselves go out.
  const double all = rows.sum(0).square().sum().item<double>();
  const double own = rows.square().sum().item<double>();
  return (all - own) / (count * (count - 1));
}

}  // namespace pillar
