#include "model/encoder/pass_times.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

namespace pillar {
namespace {

using namespace std::chrono_literals;

TEST(PassTimes, EachPartHasItsTimeAndThePassIsStillObserved) {
  ReadoutTimes times;
  PassTimes parts(at::kCPU, &times);
  parts.mark();
  std::this_thread::sleep_for(20ms);  // the stem
  parts.mark();
  AtlasPass pass;
  int asked = 0;
  pass.observe = [&](const AtlasPlace&, const at::Tensor&) { ++asked; };
  parts.watch(pass);
  pass.observe({0, 0}, {});
  pass.observe({0, 1}, {});
  std::this_thread::sleep_for(20ms);  // the second stage
  pass.observe({1, 1}, {});
  parts.finish();
  EXPECT_EQ(asked, 3);
  ASSERT_EQ(times.stages_s.size(), 2u);
  EXPECT_GE(times.windows_s, 0);
  EXPECT_GE(times.stem_s, 0.02);
  EXPECT_GE(times.stages_s[1], 0.02);
}

TEST(PassTimes, WhereNoneAreWantedThePassIsLeftAlone) {
  PassTimes parts(at::kCPU, nullptr);
  parts.mark();
  AtlasPass pass;
  parts.watch(pass);
  EXPECT_FALSE(pass.observe);
  parts.finish();
}

}  // namespace
}  // namespace pillar
