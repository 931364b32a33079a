// Windows on a GPU: the voxels cross the bus once, as they are stored, and our kernel spreads them there.
#include "pillar/core/fail.h"
#include "pillar/windows/windowed_volume.h"

#include "device/shared/cuda_module.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

namespace pillar {
namespace {

PillarCudaType type_of(at::ScalarType type) {
  switch (type) {
    case at::kShort:
      return PILLAR_CUDA_INT16;
    case at::kUInt16:
      return PILLAR_CUDA_UINT16;
    case at::kFloat:
      return PILLAR_CUDA_FLOAT32;
    case at::kBFloat16:
      return PILLAR_CUDA_BFLOAT16;
    case at::kHalf:
      return PILLAR_CUDA_FLOAT16;
    default:
      fail(ErrorCategory::usage, "windows on a GPU are float32, bfloat16 or float16, not {}",
           c10::toString(type));
  }
}

}  // namespace

at::Tensor WindowedVolume::on_cuda(at::Device device, at::ScalarType dtype) const {
  const CudaModule& module = cuda_module();
  std::vector<PillarCudaMap> maps;
  for (const WindowRange& range : ranges_) {
    maps.push_back({static_cast<float>(range.low), static_cast<float>(1 / range.width), 1});
  }
  const auto floats = static_cast<std::int64_t>(maps.size() * sizeof(PillarCudaMap) / sizeof(float));
  const at::Tensor device_maps = at::from_blob(maps.data(), {floats}, at::kFloat).to(device);
  const at::Tensor voxels = voxels_bcdhw_.to(device);
  const auto size = voxels_bcdhw_.sizes();
  const at::Tensor out = at::empty({size[0], size[2], size[3], size[4], channels()},
                                   at::TensorOptions().dtype(dtype).device(device));
  const PillarCudaWindowsJob job = {voxels.const_data_ptr(),
                                    static_cast<const PillarCudaMap*>(device_maps.const_data_ptr()),
                                    out.mutable_data_ptr(),
                                    size[0],
                                    size[1],
                                    windows_,
                                    size[2] * size[3] * size[4],
                                    type_of(voxels.scalar_type()),
                                    type_of(dtype),
                                    1,
                                    device.index()};
  check_cuda(module.windows(&job, nullptr), "windows");
  return out.permute({0, 4, 1, 2, 3});
}

}  // namespace pillar
