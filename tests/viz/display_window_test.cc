#include "pillar/viz/display_window.h"

#include "support/expect_error.h"

#include <limits>

#include <ATen/ATen.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

TEST(DisplayWindow, ParsesCentreAndWidth) {
  EXPECT_EQ(parse_display_window("40,400"), (DisplayWindow{40, 400}));
  EXPECT_EQ(parse_display_window("-600, 1500"), (DisplayWindow{-600, 1500}));
  EXPECT_EQ(parse_display_window("0.5,1e-3"), (DisplayWindow{0.5, 0.001}));
}

TEST(DisplayWindow, WhatIsNoWindowIsRefused) {
  for (const char* text : {"", "40", "a,b", "40,", ",400", "40,400,1", "40;400", "40,4oo", "0x10,400"}) {
    EXPECT_PILLAR_ERROR(parse_display_window(text), ErrorCategory::usage, HasSubstr("40,400"));
  }
  for (const char* text : {"40,0", "40,-1", "nan,1", "0,nan", "inf,1", "0,inf", "1e999,1"}) {
    EXPECT_PILLAR_ERROR(parse_display_window(text), ErrorCategory::usage, HasSubstr("window"));
  }
}

TEST(DisplayWindow, AnErrorIsOneLineWhateverTheText) {
  EXPECT_PILLAR_ERROR(parse_display_window("a\nb"), ErrorCategory::usage, HasSubstr("a\\x0Ab"));
}

TEST(AutomaticWindow, SpansThePercentiles) {
  // 1000 values: the 0.5 and 99.5 percentiles are 5 and 994.
  at::Tensor ramp = at::arange(1000, at::kShort).reshape({10, 10, 10});
  EXPECT_EQ(automatic_window(ramp), (DisplayWindow{499.5, 989}));
  EXPECT_EQ(automatic_window(ramp.to(at::kUInt16)), automatic_window(ramp));
  EXPECT_EQ(automatic_window(ramp.to(at::kDouble).flip(0)), automatic_window(ramp));
}

TEST(AutomaticWindow, SampleOfALargeVolumeSeesEveryColumn) {
  // Steps along each row only: a sample that missed columns would be far off.
  at::Tensor rows = at::arange(256, at::kShort).expand({256, 128, 256}).contiguous();
  DisplayWindow window = automatic_window(rows);
  EXPECT_NEAR(window.center, 127.5, 1);
  EXPECT_NEAR(window.width, 253, 2);
}

TEST(AutomaticWindow, ConstantVolumeGetsAWidth) {
  EXPECT_EQ(automatic_window(at::full({2, 3, 4}, -1024, at::kShort)), (DisplayWindow{-1024, 1}));
  EXPECT_EQ(automatic_window(at::full({1, 1, 1}, 7, at::kByte)), (DisplayWindow{7, 1}));
}

TEST(AutomaticWindow, UnusableVolumesAreRefused) {
  EXPECT_PILLAR_ERROR(automatic_window(at::Tensor()), ErrorCategory::input, HasSubstr("no volume"));
  EXPECT_PILLAR_ERROR(automatic_window(at::zeros({3, 4})), ErrorCategory::input,
                      HasSubstr("three axes, not 2"));
  EXPECT_PILLAR_ERROR(automatic_window(at::zeros({0, 4, 4})), ErrorCategory::input, HasSubstr("0 x 4 x 4"));
  EXPECT_PILLAR_ERROR(automatic_window(at::zeros({2, 2, 2}, at::kComplexFloat)), ErrorCategory::unsupported,
                      HasSubstr("ComplexFloat"));
  double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_PILLAR_ERROR(automatic_window(at::full({2, 2, 2}, nan, at::kFloat)), ErrorCategory::input,
                      HasSubstr("nan"));
  at::Tensor extremes = at::full({2, 2, 2}, std::numeric_limits<double>::max(), at::kDouble);
  extremes.select(0, 0).neg_();
  EXPECT_PILLAR_ERROR(automatic_window(extremes), ErrorCategory::input, HasSubstr("no window can span"));
}

}  // namespace
}  // namespace pillar
