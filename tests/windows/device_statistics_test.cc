// Statistics by LibTorch's operators, which serve any device, against our own on the CPU.
#include "windows/device_statistics.h"

#include "device/shared/cuda_module.h"
#include "support/expect_error.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

namespace pillar::windows {
namespace {

using ::testing::HasSubstr;

std::vector<at::Device> devices() {
  std::vector<at::Device> all = {at::kCPU};
  if (cuda_available()) all.push_back(at::Device(at::kCUDA, 0));
  return all;
}

void expect_same(const at::Tensor& voxels, const StatisticsWanted& wanted) {
  const Statistics expected = statistics(voxels, wanted, 2);
  for (const at::Device& device : devices()) {
    const Statistics found = statistics_by_operators(voxels.to(device), wanted);
    if (wanted.extremes) {
      EXPECT_EQ(found.min, expected.min);
      EXPECT_EQ(found.max, expected.max);
    }
    if (wanted.moments) {
      EXPECT_NEAR(found.mean, expected.mean, 1e-12 * std::abs(expected.mean));
      EXPECT_NEAR(found.sd, expected.sd, 1e-12 * expected.sd);
    }
    EXPECT_EQ(found.percentiles, expected.percentiles);
  }
}

const std::vector<StatisticsWanted> kWanted = {
    {}, {true, false, {}}, {true, true, {}}, {true, true, {0, 0.5, 50, 99.5, 100}}, {false, false, {1, 99}}};

TEST(DeviceStatistics, OfIntegersAreExact) {
  const at::Tensor ct = at::randint(-1024, 3072, {11, 13, 17}, at::detail::createCPUGenerator(1), at::kShort);
  at::Tensor ends = ct.clone();
  ends.view({-1})[0] = -32768;
  ends.view({-1})[5] = 32767;
  for (const StatisticsWanted& wanted : kWanted) {
    expect_same(ct, wanted);
    expect_same(ends, wanted);
    expect_same(ct.to(at::kInt).add(1024).to(at::kUInt16), wanted);
    expect_same(ct.flatten().narrow(0, 0, 1), wanted);
  }
}

TEST(DeviceStatistics, OfFloatsAreTheSame) {
  const at::Tensor mr = at::randn({20, 30, 7}, at::detail::createCPUGenerator(2), at::kFloat) * 300 + 700;
  for (const StatisticsWanted& wanted : kWanted) {
    StatisticsWanted with_extremes = wanted;
    with_extremes.extremes = true;
    expect_same(mr, with_extremes);
    expect_same(mr.flatten().narrow(0, 0, 1), with_extremes);
  }
}

TEST(DeviceStatistics, NameTheFirstVoxelThatIsNoNumber) {
  at::Tensor mr = at::randn({2, 3, 4}, at::detail::createCPUGenerator(2), at::kFloat);
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    mr.view({-1})[7] = bad;
    for (const at::Device& device : devices()) {
      EXPECT_PILLAR_ERROR(statistics_by_operators(mr.to(device), {}), ErrorCategory::input,
                          HasSubstr("(voxel 7 of 24)"));
    }
  }
}

}  // namespace
}  // namespace pillar::windows
