// The multi-window kernel against the same arithmetic on the CPU, to the bit.
#include "device/shared/cuda_module.h"

#include <cmath>
#include <cstring>

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/randint.h>
#include <gtest/gtest.h>

#define PILLAR_NEEDS_GPU() \
  if (!cuda_available()) GTEST_SKIP() << "no CUDA device can be used here"

namespace pillar {
namespace {

struct Case {
  at::ScalarType in, out;
  std::int64_t samples, channels, windows, voxels;
  bool channels_last;
};

PillarCudaType type_of(at::ScalarType type) {
  switch (type) {
    case at::kShort:
      return PILLAR_CUDA_INT16;
    case at::kUInt16:
      return PILLAR_CUDA_UINT16;
    case at::kBFloat16:
      return PILLAR_CUDA_BFLOAT16;
    case at::kHalf:
      return PILLAR_CUDA_FLOAT16;
    default:
      return PILLAR_CUDA_FLOAT32;
  }
}

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
  at::Tensor out = at::empty({c.samples, c.channels * c.windows, c.voxels}, at::kFloat);
  const float* in = values.const_data_ptr<float>();
  auto* y = out.mutable_data_ptr<float>();
  for (std::int64_t row = 0; row < c.samples * c.channels * c.windows; ++row) {
    for (std::int64_t v = 0; v < c.voxels; ++v) {
      const float apart = in[row / c.windows * c.voxels + v] - maps[row].low;
      const float scaled = apart * maps[row].scale;
      y[row * c.voxels + v] = maps[row].clamp != 0 ? std::fmin(std::fmax(scaled, 0.0f), 1.0f) : scaled;
    }
  }
  return (c.channels_last ? out.transpose(1, 2).contiguous() : out).to(c.out);
}

at::Tensor on_the_device(const at::Tensor& voxels, std::vector<PillarCudaMap>& maps, const Case& c) {
  const auto device = at::Device(at::kCUDA, 0);
  const std::int64_t floats = static_cast<std::int64_t>(maps.size() * sizeof(PillarCudaMap) / sizeof(float));
  const at::Tensor device_maps = at::from_blob(maps.data(), {floats}, at::kFloat).to(device);
  const at::Tensor device_voxels = voxels.to(device);
  at::Tensor out = at::empty(c.channels_last ? at::IntArrayRef{c.samples, c.voxels, c.channels * c.windows}
                                             : at::IntArrayRef{c.samples, c.channels * c.windows, c.voxels},
                             at::TensorOptions().dtype(c.out).device(device));
  const PillarCudaWindowsJob job = {device_voxels.const_data_ptr(),
                                    static_cast<const PillarCudaMap*>(device_maps.const_data_ptr()),
                                    out.data_ptr(),
                                    c.samples,
                                    c.channels,
                                    c.windows,
                                    c.voxels,
                                    type_of(c.in),
                                    type_of(c.out),
                                    c.channels_last ? 1 : 0,
                                    0};
  check_cuda(cuda_module().windows(&job, nullptr), "windows");
  return out.cpu();
}

TEST(WindowsKernel, EqualsTheCpu) {
  PILLAR_NEEDS_GPU();
  for (const at::ScalarType in : {at::kShort, at::kUInt16, at::kFloat}) {
    for (const at::ScalarType out : {at::kFloat, at::kBFloat16, at::kHalf}) {
      for (const bool channels_last : {false, true}) {
        // A multiple of a pack; an odd one, whose rows are not aligned; less than a pack; several tiles.
        for (const std::int64_t voxels : {4096, 4093, 5, 100'003}) {
          const Case c = {in, out, 2, 3, 11, voxels, channels_last};
          SCOPED_TRACE(fmt::format("{} to {}, {} voxels{}", at::toString(in), at::toString(out), voxels,
                                   channels_last ? ", channels last" : ""));
          std::vector<PillarCudaMap> maps = maps_of(c);
          const at::Tensor values = voxels_of(c);
          EXPECT_TRUE(at::equal(on_the_device(values, maps, c), on_the_cpu(values, maps, c)));
        }
      }
    }
  }
}

TEST(WindowsKernel, MostChannelsFit) {
  PILLAR_NEEDS_GPU();
  for (const bool channels_last : {false, true}) {
    const Case c = {at::kShort, at::kFloat, 1, 1, kPillarCudaMostChannels, 1000, channels_last};
    std::vector<PillarCudaMap> maps = maps_of(c);
    const at::Tensor values = voxels_of(c);
    EXPECT_TRUE(at::equal(on_the_device(values, maps, c), on_the_cpu(values, maps, c)));
  }
}

}  // namespace
}  // namespace pillar
