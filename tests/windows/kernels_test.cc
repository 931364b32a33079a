// Every instruction set that this machine has gives the bits of the portable one, whose rounding LibTorch
// confirms.
#include "windows/kernels.h"

#include "support/volumes.h"
#include "windows/shared/stream_copy.h"

#include <cstring>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace pillar::windows {
namespace {

std::vector<float> some_floats() {
  std::vector<float> values = {0,       -0.0f,           1,      0.5f, 1e-7f, 6e-8f, 3e-8f, 2e-8f,
                               6.1e-5f, 6.103515625e-5f, 1e-30f, -5,   7};
  const at::Tensor spread = test::random_voxels(1, 50, 61, at::kFloat, -0.1, 1.1, 1);
  values.insert(values.end(), spread.const_data_ptr<float>(),
                spread.const_data_ptr<float>() + spread.numel());
  const at::Tensor small = test::random_voxels(1, 20, 50, at::kFloat, 0, 2e-4, 2);
  values.insert(values.end(), small.const_data_ptr<float>(), small.const_data_ptr<float>() + small.numel());
  return values;
}

constexpr AffineClamp kUnit = {0, 1};

TEST(Kernels, PortableRoundsAsLibTorchDoes) {
  std::vector<float> values = some_floats();
  const auto count = static_cast<std::int64_t>(values.size());
  const at::Tensor clamped = at::from_blob(values.data(), {count}).clamp(0, 1) + 0.0f;
  std::vector<float> floats(values.size());
  std::vector<std::uint16_t> halves(values.size());
  kernel_set(0)->as_float.window(values.data(), kUnit, floats.data(), count);
  EXPECT_EQ(std::memcmp(floats.data(), clamped.const_data_ptr(), clamped.nbytes()), 0);
  kernel_set(0)->as_bfloat16.window(values.data(), kUnit, halves.data(), count);
  EXPECT_EQ(std::memcmp(halves.data(), clamped.to(at::kBFloat16).const_data_ptr(), values.size() * 2), 0);
  kernel_set(0)->as_float16.window(values.data(), kUnit, halves.data(), count);
  EXPECT_EQ(std::memcmp(halves.data(), clamped.to(at::kHalf).const_data_ptr(), values.size() * 2), 0);
}

// What every kernel makes of the same voxels, byte after byte.
std::vector<std::uint8_t> everything(const Kernels& k, std::int64_t count) {
  std::vector<std::uint8_t> bytes;
  const auto keep = [&](const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::uint8_t*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
  };
  const at::Tensor ints = test::random_voxels(1, 1, count, at::kShort, -32768, 32767, 3);
  const auto* signed_voxels = ints.const_data_ptr<std::int16_t>();
  const auto* unsigned_voxels = reinterpret_cast<const std::uint16_t*>(signed_voxels);
  std::vector<float> values(count), floats(7 * count + kLanes);
  std::vector<std::uint16_t> halves(7 * count + kLanes);
  const auto low_high = k.extremes_int16(signed_voxels, count);
  const auto unsigned_low_high = k.extremes_uint16(unsigned_voxels, count);
  keep(&low_high, sizeof(low_high));
  keep(&unsigned_low_high, sizeof(unsigned_low_high));
  k.uint16_to_float(unsigned_voxels, values.data(), count);
  keep(values.data(), 4 * values.size());
  k.int16_to_float(signed_voxels, values.data(), count);
  keep(values.data(), 4 * values.size());
  for (float& value : values) value = value * 0.37f + 0.001f;
  const auto keys = k.extreme_keys_float(values.data(), count);
  const double sums[2] = {k.sum_float(values.data(), count, 0.1), k.squares_float(values.data(), count, 0.3)};
  keep(&keys, sizeof(keys));
  keep(sums, sizeof(sums));
  const AffineClamp map = {-1350.7f, 1 / 1500.0f};
  k.as_float.window(values.data(), map, floats.data(), count);
  keep(floats.data(), 4 * values.size());
  k.as_bfloat16.window(values.data(), map, halves.data(), count);
  keep(halves.data(), 2 * values.size());
  k.as_float16.window(values.data(), map, halves.data(), count);
  keep(halves.data(), 2 * values.size());
  LaneGroup groups[2];
  groups[0] = {values.data(), 0, 3, {-1000, 50, 0.5f}, {1 / 2000.0f, 0.01f, 3}};
  groups[1] = {values.data(), 3, 4, {1, 2, 3, 4}, {0.1f, 0.01f, 0.001f, 0.0001f}};
  k.as_float.interleave(groups, 2, 7, floats.data(), count);
  keep(floats.data(), 28 * values.size());
  k.as_bfloat16.interleave(groups, 2, 7, halves.data(), count);
  keep(halves.data(), 14 * values.size());
  k.as_float16.interleave(groups, 2, 7, halves.data(), count);
  keep(halves.data(), 14 * values.size());
  return bytes;
}

TEST(Kernels, EveryInstructionSetGivesTheSameBits) {
  for (const std::int64_t count : {1, 2, 15, 16, 17, 63, 1000, 2048}) {
    const auto portable = everything(*kernel_set(0), count);
    for (int i = 1; const Kernels* set = kernel_set(i); ++i)
      EXPECT_TRUE(everything(*set, count) == portable) << set->name << " " << count;
  }
}

template <typename Out>
void expect_streamed(const OutputKernels<Out>& kernel, const char* name) {
  if (kernel.stream == nullptr) return;
  std::vector<float> values = some_floats();
  const auto count = static_cast<std::int64_t>(values.size()) / kStreamStep * kStreamStep;
  const at::Tensor memory = at::zeros({2, count}, at::kFloat);  // LibTorch aligns to 64 bytes
  auto* streamed = static_cast<Out*>(memory.mutable_data_ptr());
  std::vector<Out> windowed(static_cast<std::size_t>(count));
  for (const AffineClamp map : {kUnit, AffineClamp{0.25f, 1.7f}}) {
    kernel.stream(values.data(), map, streamed, count);
    stream_done();
    kernel.window(values.data(), map, windowed.data(), count);
    EXPECT_EQ(std::memcmp(streamed, windowed.data(), windowed.size() * sizeof(Out)), 0) << name;
  }
  EXPECT_EQ(streamed[count], 0) << name << " wrote past the end";
}

TEST(Kernels, StreamIsWindow) {
  for (int i = 0; const Kernels* set = kernel_set(i); ++i) {
    expect_streamed(set->as_float, set->name);
    expect_streamed(set->as_bfloat16, set->name);
    expect_streamed(set->as_float16, set->name);
  }
}

TEST(Kernels, InterleaveIsWindowPerChannel) {
  const std::vector<float> values = some_floats();
  const auto count = static_cast<std::int64_t>(values.size());
  LaneGroup group{values.data(), 0, 5, {}, {}};
  for (int lane = 0; lane < 5; ++lane) {
    group.low[lane] = 0.1f * static_cast<float>(lane);
    group.scale[lane] = 1.3f;
  }
  std::vector<std::uint16_t> interleaved(values.size() * 5 + kLanes), plane(values.size());
  kernels().as_bfloat16.interleave(&group, 1, 5, interleaved.data(), count);
  for (int lane = 0; lane < 5; ++lane) {
    kernels().as_bfloat16.window(values.data(), {group.low[lane], group.scale[lane]}, plane.data(), count);
    for (std::int64_t i = 0; i < count; ++i) ASSERT_EQ(interleaved[i * 5 + lane], plane[i]);
  }
}

TEST(Kernels, OrderedKeysOfFloats) {
  const std::vector<float> values = {3, -2.5f, 0, 1e-45f, -1e30f, 8};
  const auto keys = kernels().extreme_keys_float(values.data(), static_cast<std::int64_t>(values.size()));
  EXPECT_EQ(value_of_ordered_key(keys.min), -1e30f);
  EXPECT_EQ(value_of_ordered_key(keys.max), 8);
}

}  // namespace
}  // namespace pillar::windows
