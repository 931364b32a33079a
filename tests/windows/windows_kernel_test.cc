// The multi-window kernel against the same arithmetic on the CPU, to the bit.
#include "device/shared/cuda_tensor.h"
#include "support/kernel_places.h"
#include "windows/window_kernel.h"

#include <cmath>
#include <cstring>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/count_nonzero.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

struct Case {
  at::ScalarType in, out;
  std::int64_t samples, channels, windows, voxels;
  bool channels_last;
  std::int64_t padding = 0;  // channels of zeros after the windows
};

// Wide, narrow and unclamped ones.
std::vector<PillarCudaMap> maps_of(const Case& c) {
  std::vector<PillarCudaMap> maps;
  for (std::int64_t i = 0; i < c.samples * c.channels * c.windows; ++i) {
    const auto step = static_cast<float>(i);
    maps.push_back({-1024 + 37 * step, 1 / (40 + 113 * step), i % 3 == 2 ? 0 : 1});
  }
  return maps;
}

at::Tensor voxels_of(const Case& c) {
  const at::Tensor values = at::randint(-1024, 3072, {c.samples, c.channels, c.voxels}, at::kInt);
  if (c.in == at::kUInt16) return values.add(1024).to(at::kUInt16);
  return c.in == at::kFloat ? values.to(at::kFloat).add(0.37) : values.to(c.in);
}

at::Tensor on_the_cpu(const at::Tensor& voxels, const std::vector<PillarCudaMap>& maps, const Case& c) {
  const at::Tensor values = voxels.to(at::kFloat);
  at::Tensor out = at::zeros({c.samples, c.channels * c.windows + c.padding, c.voxels}, at::kFloat);
  const float* in = values.const_data_ptr<float>();
  auto* y = out.mutable_data_ptr<float>();
  const std::int64_t of_sample = c.channels * c.windows;
  for (std::int64_t row = 0; row < c.samples * of_sample; ++row) {
    const std::int64_t out_row = row / of_sample * (of_sample + c.padding) + row % of_sample;
    for (std::int64_t v = 0; v < c.voxels; ++v) {
      const float apart = in[row / c.windows * c.voxels + v] - maps[row].low;
      const float scaled = apart * maps[row].scale;
      y[out_row * c.voxels + v] = maps[row].clamp != 0 ? std::fmin(std::fmax(scaled, 0.0f), 1.0f) : scaled;
    }
  }
  return (c.channels_last ? out.transpose(1, 2).contiguous() : out).to(c.out);
}

at::Tensor by_kernel(const test::KernelPlace& place, const at::Tensor& voxels,
                     std::vector<PillarCudaMap>& maps, const Case& c) {
  const std::int64_t floats = static_cast<std::int64_t>(maps.size() * sizeof(PillarCudaMap) / sizeof(float));
  const at::Tensor device_maps = at::from_blob(maps.data(), {floats}, at::kFloat).to(place.device);
  const at::Tensor device_voxels = voxels.to(place.device);
  const std::int64_t channels = c.channels * c.windows + c.padding;
  at::Tensor out = at::empty(c.channels_last ? at::IntArrayRef{c.samples, c.voxels, channels}
                                             : at::IntArrayRef{c.samples, channels, c.voxels},
                             at::TensorOptions().dtype(c.out).device(place.device));
  const PillarCudaWindowsJob job = {device_voxels.const_data_ptr(),
                                    static_cast<const PillarCudaMap*>(device_maps.const_data_ptr()),
                                    out.data_ptr(),
                                    c.samples,
                                    c.channels,
                                    c.windows,
                                    c.voxels,
                                    cuda_type(c.in),
                                    cuda_type(c.out),
                                    c.channels_last ? 1 : 0,
                                    0,
                                    channels};
  check_cuda(place.kernels->windows(&job, nullptr), *place.kernels, "windows");
  return out.cpu();
}

void expect_equal(const Case& c) {
  std::vector<PillarCudaMap> maps = maps_of(c);
  const at::Tensor values = voxels_of(c);
  for (const test::KernelPlace& place : test::kernel_places()) {
    SCOPED_TRACE(fmt::format("{} to {}, {} voxels{}, {} of padding on {}", at::toString(c.in),
                             at::toString(c.out), c.voxels, c.channels_last ? ", channels last" : "",
                             c.padding, place.device.str()));
    EXPECT_TRUE(at::equal(by_kernel(place, values, maps, c), on_the_cpu(values, maps, c)));
  }
}

TEST(WindowsKernel, EqualsTheCpu) {
  const test::PoisonedMemory poisoned;
  for (const at::ScalarType in : {at::kShort, at::kUInt16, at::kFloat}) {
    for (const at::ScalarType out : {at::kFloat, at::kBFloat16, at::kHalf}) {
      for (const bool channels_last : {false, true}) {
        // A multiple of a pack; an odd one, whose rows are not aligned; less than a pack; several tiles.
        for (const std::int64_t voxels : {4096, 4093, 5, 33'003})
          expect_equal({in, out, 2, 3, 11, voxels, channels_last});
      }
      for (const std::int64_t voxels : {128, 1001}) expect_equal({in, out, 3, 1, 11, voxels, true, 5});
    }
  }
}

TEST(WindowsKernel, MostChannelsFit) {
  for (const bool channels_last : {false, true})
    expect_equal({at::kShort, at::kFloat, 1, 1, kPillarCudaMostChannels, 1000, channels_last});
}

TEST(SentVoxels, ArriveInPieces) {
  for (const std::int64_t count : {1, 7, 8, 1001}) {
    const at::Tensor voxels = at::randint(-1000, 1500, {1, 1, 1, 1, count}, at::kShort);
    std::vector<at::Device> devices = {at::kCPU};
    if (cuda_available()) devices.push_back(at::Device(at::kCUDA, 0));
    for (const at::Device& device : devices)
      EXPECT_TRUE(at::equal(windows::sent_by_pieces(voxels, device).cpu(), voxels)) << count;
  }
}

// The calls that the encoder makes, beside the windows of a CPU.
TEST(WindowsKernel, OfAVolumeAreThoseOfTheCpu) {
  const test::PoisonedMemory poisoned;
  const at::Tensor voxels =
      at::randint(-1000, 1500, {2, 1, 5, 6, 7}, at::detail::createCPUGenerator(8), at::kShort);
  const std::vector<Window> windows = parse_windows("lung,bone,minmax", WindowFamily::ct);
  const WindowedVolume volume(voxels, windows);
  std::vector<WindowRange> ranges;
  for (std::int64_t b = 0; b < 2; ++b) {
    for (std::int64_t c = 0; c < 3; ++c) ranges.push_back(volume.range(b, c));
  }
  for (const test::KernelPlace& place : test::kernel_places()) {
    const at::Tensor there = voxels.to(place.device);
    const at::Tensor maps = windows::maps_of_ranges(ranges, {2, 1, 3}, place.device);
    EXPECT_TRUE(at::equal(*windows::maps_without_waiting(there, windows, false), maps));
    EXPECT_TRUE(at::equal(*windows::maps_without_waiting(there.to(at::kFloat), windows, true), maps));
    const at::Tensor all = windows::image_for(there, 8, at::kFloat);
    windows::write_by_kernel(there, maps, all, *place.kernels);
    EXPECT_TRUE(all.is_contiguous(at::MemoryFormat::ChannelsLast3d));
    EXPECT_TRUE(at::equal(all.narrow(1, 0, 3).cpu(), volume.all_bcdhw(at::kFloat)));
    EXPECT_EQ(at::count_nonzero(all.narrow(1, 3, 5)).item<std::int64_t>(), 0);
  }
}

TEST(WindowsKernel, MapsWaitWhereTheyMust) {
  const at::Tensor voxels = at::zeros({1, 2, 3, 4, 5}, at::kShort);
  const auto known = [](const at::Tensor& volume, const char* windows, bool finite = false) {
    return windows::maps_without_waiting(volume, parse_windows(windows, WindowFamily::mr), finite)
        .has_value();
  };
  EXPECT_TRUE(known(voxels, "minmax,own:40,400"));
  EXPECT_FALSE(known(voxels.to(at::kFloat), "minmax"));
  EXPECT_TRUE(known(voxels.to(at::kFloat), "minmax", true));
  EXPECT_FALSE(known(voxels.to(at::kFloat), "all", true));
  EXPECT_FALSE(known(voxels.to(at::kUInt16), "minmax"));
  EXPECT_FALSE(known(voxels, "all"));
  EXPECT_FALSE(windows::maps_without_waiting(voxels, {}, false).has_value());
}

}  // namespace
}  // namespace pillar
