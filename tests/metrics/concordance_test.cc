#include "pillar/core/random.h"
#include "pillar/metrics/metrics.h"

#include "support/expect_error.h"

#include <cmath>
#include <limits>

namespace pillar {
namespace {

using ::testing::HasSubstr;

using Numbers = std::vector<double>;
using Events = std::vector<std::uint8_t>;

double brute_concordance(const Numbers& times, const Events& events, const Numbers& risks) {
  double right = 0, pairs = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    for (std::size_t j = 0; j < times.size(); ++j) {
      const bool comparable =
          events[i] != 0 && (times[i] < times[j] || (times[i] == times[j] && events[j] == 0));
      if (!comparable) continue;
      ++pairs;
      right += risks[i] > risks[j] ? 1 : risks[i] == risks[j] ? 0.5 : 0;
    }
  }
  return right / pairs;
}

TEST(Concordance, IsThatOfAllPairsTiesIncluded) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Numbers times, risks;
    Events events;
    for (std::uint64_t i = 0; i < 70; ++i) {
      const std::uint64_t word = hash64(seed * 100 + i);
      times.push_back(static_cast<double>(word % 9));
      risks.push_back(static_cast<double>((word >> 8) % 6));
      events.push_back((word >> 20) % 3 == 0 ? 1 : 0);
    }
    EXPECT_NEAR(concordance_index(times, events, risks), brute_concordance(times, events, risks), 1e-13);
  }
}

TEST(Concordance, ByHand) {
  // The first dies first at the highest risk; the second dies later; the third leaves at once.
  EXPECT_DOUBLE_EQ(concordance_index(Numbers{1, 2, 0.5}, Events{1, 1, 0}, Numbers{9, 5, 7}), 1);
  EXPECT_DOUBLE_EQ(concordance_index(Numbers{1, 2, 3}, Events{1, 0, 1}, Numbers{1, 2, 1}), 0.25);
  EXPECT_DOUBLE_EQ(concordance_index(Numbers{4, 4}, Events{1, 0}, Numbers{1, 0}), 1);  // left after the event
}

TEST(Concordance, NothingToCompare) {
  EXPECT_TRUE(std::isnan(concordance_index(Numbers{}, Events{}, Numbers{})));
  EXPECT_TRUE(std::isnan(concordance_index(Numbers{1, 2}, Events{0, 0}, Numbers{1, 2})));
  EXPECT_TRUE(std::isnan(concordance_index(Numbers{2, 2}, Events{1, 1}, Numbers{1, 2})));
}

TEST(Concordance, RefusesNaNAndOtherLengths) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  EXPECT_PILLAR_ERROR(concordance_index(Numbers{1, kNaN}, Events{1, 1}, Numbers{1, 2}), ErrorCategory::input,
                      HasSubstr("1 is NaN"));
  EXPECT_PILLAR_ERROR(concordance_index(Numbers{1, 2}, Events{1, 1}, Numbers{kNaN, 2}), ErrorCategory::input,
                      HasSubstr("0 is NaN"));
  EXPECT_PILLAR_ERROR(concordance_index(Numbers{1, 2}, Events{1}, Numbers{1, 2}), ErrorCategory::input,
                      HasSubstr("2 times, but 1 events"));
}

}  // namespace
}  // namespace pillar
