#include "pillar/device/device_clock.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

namespace pillar {
namespace {

using namespace std::chrono_literals;

TEST(DeviceClock, OnACpuLapsAreTimesBetweenMarks) {
  DeviceClock clock(at::kCPU);
  EXPECT_TRUE(clock.laps().empty());
  clock.mark();
  std::this_thread::sleep_for(20ms);
  clock.mark();
  clock.mark();
  const std::vector<double> laps = clock.laps();
  ASSERT_EQ(laps.size(), 2u);
  EXPECT_GE(laps[0], 0.02);
  EXPECT_GE(laps[1], 0);
  EXPECT_TRUE(clock.laps().empty());
  wait_for_device(at::kCPU);
  EXPECT_EQ(peak_device_bytes(at::kCPU, true), 0u);
}

}  // namespace
}  // namespace pillar
