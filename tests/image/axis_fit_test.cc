#include "pillar/image/axis_fit.h"

#include <gtest/gtest.h>

namespace pillar {
namespace {

TEST(AxisFit, CropsToTheMiddle) {
  EXPECT_EQ(fit_axis(7, 4), (AxisFit{.skip = 1, .before = 0, .kept = 4}));
  EXPECT_EQ(fit_axis(8, 4), (AxisFit{.skip = 2, .before = 0, .kept = 4}));
  EXPECT_EQ(fit_axis(7, 4).first(), 1);
}

TEST(AxisFit, PadsLessInFrontThanBehind) {
  EXPECT_EQ(fit_axis(2, 5), (AxisFit{.skip = 0, .before = 1, .kept = 2}));
  EXPECT_EQ(fit_axis(2, 6), (AxisFit{.skip = 0, .before = 2, .kept = 2}));
  EXPECT_EQ(fit_axis(2, 5).first(), -1);
}

TEST(AxisFit, LeavesWhatFitsAsItIs) {
  EXPECT_EQ(fit_axis(5, 5), (AxisFit{.skip = 0, .before = 0, .kept = 5}));
  EXPECT_EQ(fit_axis(5, 5).first(), 0);
}

}  // namespace
}  // namespace pillar
