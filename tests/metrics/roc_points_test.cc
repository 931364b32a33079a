#include "pillar/core/random.h"
#include "pillar/metrics/metrics.h"

#include "support/expect_error.h"

namespace pillar {
namespace {

using ::testing::HasSubstr;

using Scores = std::vector<double>;
using Answers = std::vector<std::int8_t>;

double area_below(const std::vector<RocPoint>& points) {
  double area = 0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    area += (points[i].false_positive_rate - points[i - 1].false_positive_rate) *
            (points[i].true_positive_rate + points[i - 1].true_positive_rate) / 2;
  }
  return area;
}

RankedScores many(std::size_t count, std::uint64_t levels) {
  Scores scores;
  Answers answers;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t word = hash64(i);
    answers.push_back(word % 5 == 0 ? 1 : 0);
    const double shift = word % 5 == 0 ? 0.3 * static_cast<double>(levels) : 0;
    scores.push_back(static_cast<double>((word >> 20) % levels) + shift);
  }
  return rank_scores(scores, answers);
}

void expect_rising(const std::vector<RocPoint>& points) {
  ASSERT_GE(points.size(), 2u);
  EXPECT_EQ(points.front().false_positive_rate, 0);
  EXPECT_EQ(points.front().true_positive_rate, 0);
  EXPECT_EQ(points.back().false_positive_rate, 1);
  EXPECT_EQ(points.back().true_positive_rate, 1);
  for (std::size_t i = 1; i < points.size(); ++i) {
    EXPECT_GE(points[i].false_positive_rate, points[i - 1].false_positive_rate);
    EXPECT_GE(points[i].true_positive_rate, points[i - 1].true_positive_rate);
  }
}

TEST(RocPoints, KeepsCornersOnly) {
  const std::vector<RocPoint> points =
      roc_points(rank_scores(Scores{6, 5, 4, 3, 2, 1}, Answers{1, 1, 0, 0, 1, 0}));
  // Up two of three, right two of three, up, right.
  ASSERT_EQ(points.size(), 5u);
  expect_rising(points);
  EXPECT_DOUBLE_EQ(points[1].true_positive_rate, 2.0 / 3);
  EXPECT_DOUBLE_EQ(points[2].false_positive_rate, 2.0 / 3);
  EXPECT_EQ(roc_points(rank_scores(Scores{1, 1, 1}, Answers{1, 0, 0})).size(), 2u);  // one tie: a diagonal
}

TEST(RocPoints, TheAreaBelowIsTheAuroc) {
  for (const std::uint64_t levels : {7u, 100000u}) {
    const RankedScores ranked = many(300, levels);
    EXPECT_NEAR(area_below(roc_points(ranked, 1000)), auroc(ranked), 1e-12);
  }
}

TEST(RocPoints, ThinnedAsAskedAndCloseToTheCurve) {
  const RankedScores ranked = many(20000, 1u << 30);
  for (const std::int64_t most : {2, 3, 50, 200}) {
    const std::vector<RocPoint> points = roc_points(ranked, most);
    EXPECT_LE(std::ssize(points), most);
    expect_rising(points);
  }
  EXPECT_GT(roc_points(ranked).size(), 100u);
  EXPECT_NEAR(area_below(roc_points(ranked)), auroc(ranked), 2e-3);
  EXPECT_PILLAR_ERROR(roc_points(ranked, 1), ErrorCategory::usage, HasSubstr("at least 2"));
}

}  // namespace
}  // namespace pillar
