#include "pillar/metrics/retrieval.h"

#include "support/expect_error.h"

#include <cmath>
#include <limits>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

at::Tensor unit_rows(std::int64_t count, std::int64_t width, std::uint64_t seed) {
  const at::Tensor rows = at::randn({count, width}, at::detail::createCPUGenerator(seed), at::kDouble);
  return rows / rows.norm(2, {1}, true);
}

at::Tensor rows(const std::vector<std::vector<double>>& values) {
  std::vector<at::Tensor> all;
  for (const auto& row : values) all.push_back(at::tensor(row, at::kDouble).unsqueeze(0));
  return at::cat(all);
}

TEST(RetrievalScores, PerfectMatchesRankFirst) {
  const at::Tensor both = unit_rows(23, 16, 1);
  const RetrievalScores scores = retrieval_scores(both, both);
  EXPECT_EQ(scores.count, 23);
  EXPECT_EQ(scores.recall_at_1, 1);
  EXPECT_EQ(scores.median_rank, 1);
}

TEST(RetrievalScores, CountsRanksByHand) {
  // Keys are the unit vectors, so a query's components are its scores. Ranks: 1, 2, 3, 1.5 (one tie).
  const at::Tensor queries = rows({{.9, .1, .1, .1}, {.8, .5, .1, .1}, {.7, .6, .2, .1}, {.1, .1, .6, .6}});
  const RetrievalScores scores = retrieval_scores(queries, at::eye(4, at::kDouble));
  EXPECT_DOUBLE_EQ(scores.recall_at_1, 0.25);
  EXPECT_DOUBLE_EQ(scores.recall_at_5, 1);
  EXPECT_DOUBLE_EQ(scores.median_rank, 1.75);
}

TEST(RetrievalRanks, AreThoseOfEachQueryInItsOwnPlace) {
  const at::Tensor queries = rows({{.9, .1, .1, .1}, {.8, .5, .1, .1}, {.7, .6, .2, .1}, {.1, .1, .6, .6}});
  const at::Tensor ranks = retrieval_ranks(queries, at::eye(4, at::kDouble));
  const auto* rank = ranks.const_data_ptr<double>();
  EXPECT_THAT(std::vector<double>(rank, rank + ranks.numel()), ::testing::ElementsAre(1, 2, 3, 1.5));
}

TEST(ScoresOfRanks, AnyOrderAndEveryCut) {
  const RetrievalScores scores = scores_of_ranks({51, 1, 10.5, 50, 5, 1.5, 10, 2});
  EXPECT_EQ(scores.count, 8);
  EXPECT_DOUBLE_EQ(scores.recall_at_1, 1 / 8.0);
  EXPECT_DOUBLE_EQ(scores.recall_at_5, 4 / 8.0);
  EXPECT_DOUBLE_EQ(scores.recall_at_10, 5 / 8.0);
  EXPECT_DOUBLE_EQ(scores.recall_at_50, 7 / 8.0);
  EXPECT_DOUBLE_EQ(scores.median_rank, 7.5);
}

TEST(RetrievalScores, TheMedianOfAnOddCountIsTheMiddleOne) {
  const at::Tensor queries = rows({{.9, .1, .1}, {.8, .5, .1}, {.7, .6, .2}});
  EXPECT_DOUBLE_EQ(retrieval_scores(queries, at::eye(3, at::kDouble)).median_rank, 2);
}

TEST(RetrievalScores, ACollapsedModelIsAtChance) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const at::Tensor queries = unit_rows(1, 67, 2).to(type).expand({201, 67});
    const at::Tensor keys = unit_rows(1, 67, 3).to(type).expand({201, 67});
    const RetrievalScores scores = retrieval_scores(queries, keys);
    EXPECT_EQ(scores.recall_at_10, 0);
    EXPECT_DOUBLE_EQ(scores.median_rank, 101);
  }
}

TEST(RetrievalScores, BlocksGiveWhatTheWholeMatrixGives) {
  const std::int64_t count = 2500;  // more than one block
  const at::Tensor keys = unit_rows(count, 24, 4);
  const at::Tensor queries =
      keys + 0.18 * at::randn({count, 24}, at::detail::createCPUGenerator(5), at::kDouble);
  const at::Tensor all = at::matmul(queries, keys.t()).contiguous();
  const auto* score = all.const_data_ptr<double>();
  double at_1 = 0, at_5 = 0, at_10 = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rank = 1;
    for (std::int64_t j = 0; j < count; ++j) rank += score[i * count + j] > score[i * count + i];
    at_1 += rank <= 1;
    at_5 += rank <= 5;
    at_10 += rank <= 10;
  }
  const RetrievalScores scores = retrieval_scores(queries, keys);
  EXPECT_DOUBLE_EQ(scores.recall_at_1, at_1 / count);
  EXPECT_DOUBLE_EQ(scores.recall_at_5, at_5 / count);
  EXPECT_DOUBLE_EQ(scores.recall_at_10, at_10 / count);
  EXPECT_GT(at_10, at_1);
  EXPECT_LT(at_10, count);
}

TEST(RetrievalScores, OnePairIsFound) {
  const at::Tensor one = unit_rows(1, 4, 6).requires_grad_(true);
  EXPECT_EQ(retrieval_scores(one, one).recall_at_1, 1);
}

TEST(RetrievalScores, RejectsWhatCannotMatch) {
  const at::Tensor good = unit_rows(5, 4, 7);
  EXPECT_PILLAR_ERROR(retrieval_scores(good, unit_rows(4, 4, 8)), ErrorCategory::input,
                      AllOf(HasSubstr("5 queries"), HasSubstr("4 keys")));
  EXPECT_PILLAR_ERROR(retrieval_scores(good, unit_rows(5, 3, 8)), ErrorCategory::input, HasSubstr("width 3"));
  EXPECT_PILLAR_ERROR(retrieval_scores(at::zeros({0, 4}), at::zeros({0, 4})), ErrorCategory::input,
                      HasSubstr("no embeddings"));
  EXPECT_PILLAR_ERROR(retrieval_scores(good, at::zeros({20})), ErrorCategory::input, HasSubstr("keys"));
  EXPECT_PILLAR_ERROR(retrieval_scores(good, at::zeros({5, 4}, at::kLong)), ErrorCategory::input,
                      HasSubstr("Long"));
  at::Tensor bad = good.clone();
  bad[2][1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_PILLAR_ERROR(retrieval_scores(bad, good), ErrorCategory::input,
                      AllOf(HasSubstr("queries"), HasSubstr("NaN")));
}

TEST(MeanPairwiseCosine, IsTheMeanOverDifferentRows) {
  EXPECT_NEAR(mean_pairwise_cosine(at::eye(7)), 0, 1e-12);
  EXPECT_NEAR(mean_pairwise_cosine(at::ones({9, 5}, at::kFloat)), 1, 1e-12);
  // Cosines: 0 of the first two, 1/sqrt(2) of each with the third, which is not of unit length.
  EXPECT_NEAR(mean_pairwise_cosine(rows({{1, 0}, {0, 1}, {3, 3}})), 2 / std::sqrt(2.0) / 3, 1e-12);
}

TEST(MeanPairwiseCosine, FewRowsAndHostileOnes) {
  EXPECT_EQ(mean_pairwise_cosine(at::zeros({0, 4})), 0);
  EXPECT_EQ(mean_pairwise_cosine(at::ones({1, 4})), 0);
  EXPECT_EQ(mean_pairwise_cosine(at::zeros({3, 4})), 0);
  EXPECT_PILLAR_ERROR(mean_pairwise_cosine(at::ones({2, 2}) / 0), ErrorCategory::input,
                      HasSubstr("infinite"));
}

}  // namespace
}  // namespace pillar
