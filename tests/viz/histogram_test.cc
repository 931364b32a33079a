#include "viz/picture/histogram.h"

#include "support/expect_error.h"

#include <cmath>
#include <numeric>

#include <ATen/ATen.h>

namespace pillar::viz {
namespace {

using ::testing::HasSubstr;

std::int64_t total(const Histogram& histogram) {
  return std::accumulate(histogram.counts.begin(), histogram.counts.end(), std::int64_t{0});
}

TEST(Histogram, EvenValuesFillEveryBinEvenly) {
  const at::Tensor volume = at::arange(4096, at::kShort).reshape({16, 16, 16});
  const Histogram histogram = histogram_of(volume, 16);
  ASSERT_EQ(histogram.counts.size(), 16u);
  EXPECT_EQ(total(histogram), 4096);
  for (const std::int64_t count : histogram.counts) EXPECT_NEAR(static_cast<double>(count), 256, 2);
}

TEST(Histogram, AFewFarVoxelsDoNotSqueezeTheRest) {
  at::Tensor volume = (at::arange(64000, at::kInt) % 1000).reshape({40, 40, 40});
  volume[0][0][0] = -30000;
  volume[5][5][5] = 30000;
  const Histogram histogram = histogram_of(volume, 100);
  EXPECT_GT(histogram.low, -20);
  EXPECT_LT(histogram.high, 1020);
  EXPECT_EQ(total(histogram), 64000);
}

TEST(Histogram, OneValue) {
  const Histogram histogram = histogram_of(at::full({2, 3, 4}, 7, at::kShort), 8);
  EXPECT_LT(histogram.low, histogram.high);
  EXPECT_EQ(total(histogram), 24);
}

TEST(Histogram, WhatCannotBeCountedIsRefused) {
  at::Tensor volume = at::zeros({2, 2, 2});
  volume[1][1][1] = NAN;
  EXPECT_PILLAR_ERROR(histogram_of(volume, 8), ErrorCategory::input, HasSubstr("nan"));
  at::Tensor wide = at::full({2, 2, 2}, 1e308, at::kDouble);
  wide[0][0][0] = -1e308;
  EXPECT_PILLAR_ERROR(histogram_of(wide, 8), ErrorCategory::input, HasSubstr("e+308"));
}

}  // namespace
}  // namespace pillar::viz
