#include "pillar/metrics/metrics.h"

#include "support/expect_error.h"

namespace pillar {
namespace {

using ::testing::HasSubstr;

using Scores = std::vector<double>;
using Answers = std::vector<std::int8_t>;

TEST(Calibration, ByHand) {
  // Bins: 0.0 to 0.1 {0.05 no, 0.0 no}; 0.5 to 0.6 {0.5 yes, 0.58 no}; the last {1.0 yes, 0.92 yes}.
  const RankedScores ranked = rank_scores(Scores{0.05, 0.5, 1.0, 0.0, 0.58, 0.92}, Answers{0, 1, 1, 0, 0, 1});
  const std::vector<ReliabilityBin> bins = reliability_bins(ranked);
  ASSERT_EQ(bins.size(), 3u);
  EXPECT_EQ(bins[0].count, 2);
  EXPECT_DOUBLE_EQ(bins[0].predicted, 0.025);
  EXPECT_DOUBLE_EQ(bins[0].observed, 0);
  EXPECT_DOUBLE_EQ(bins[1].predicted, 0.54);
  EXPECT_DOUBLE_EQ(bins[1].observed, 0.5);
  EXPECT_DOUBLE_EQ(bins[2].predicted, 0.96);
  EXPECT_DOUBLE_EQ(bins[2].observed, 1);
  EXPECT_NEAR(expected_calibration_error(ranked), (0.025 + 0.04 + 0.04) / 3, 1e-15);
  EXPECT_NEAR(brier_score(ranked), (0.0025 + 0.25 + 0 + 0 + 0.3364 + 0.0064) / 6, 1e-15);
  EXPECT_NEAR(expected_calibration_error(ranked, 1), std::abs(3.05 / 6 - 0.5), 1e-15);
}

TEST(Calibration, OnlyOfProbabilities) {
  for (const double score : {-0.01, 1.01}) {
    const RankedScores ranked = rank_scores(Scores{0.5, score}, Answers{0, 1});
    EXPECT_PILLAR_ERROR(brier_score(ranked), ErrorCategory::input, HasSubstr("no probability"));
    EXPECT_PILLAR_ERROR(reliability_bins(ranked), ErrorCategory::input, HasSubstr("no probability"));
    EXPECT_PILLAR_ERROR(expected_calibration_error(ranked), ErrorCategory::input,
                        HasSubstr("no probability"));
  }
  EXPECT_PILLAR_ERROR(reliability_bins(rank_scores(Scores{0.5}, Answers{1}), 0), ErrorCategory::usage,
                      HasSubstr("at least one bin"));
}

}  // namespace
}  // namespace pillar
