// How well two sets of matched embeddings find each other.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct RetrievalScores {
  std::int64_t count = 0;
  // Share of queries whose match ranks <= k.
  double recall_at_1 = 0, recall_at_5 = 0, recall_at_10 = 0, recall_at_50 = 0;
  double median_rank = 0;  // 1: found first; even counts: mean of the middle two
};

// Row i of `queries_nw` belongs to row i of `keys_nw`; both (N,W), of any floating-point type, unit length.
// A match ranks 1 + the number of keys that score higher + half the number of others that score the same: in
// a collapsed model, whose scores are all equal, every rank is (N+1)/2 and nothing is found by luck of order.
// Computed in double, in blocks of rows: N*N scores never exist at once. Throws Error(input): no rows, other
// shapes, NaN or infinity.
at::Tensor retrieval_ranks(const at::Tensor& queries_nw, const at::Tensor& keys_nw);  // (N) float64, CPU
// Of `ranks`, in any order; not empty.
RetrievalScores scores_of_ranks(std::vector<double> ranks);
// scores_of_ranks() of retrieval_ranks().
RetrievalScores retrieval_scores(const at::Tensor& queries_nw, const at::Tensor& keys_nw);

// What guessing gives among `pairs`, at least one: every rank is as likely as another.
RetrievalScores chance_scores(std::int64_t pairs);

// Mean cosine over all pairs of different rows (of any length): near 1 where a model has collapsed. 0 for
// fewer than two rows. Throws Error(input): no matrix of floating-point numbers, NaN or infinity.
double mean_pairwise_cosine(const at::Tensor& rows_nw);

}  // namespace pillar
