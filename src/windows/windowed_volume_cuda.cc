// Windows on a GPU: the voxels cross the bus once, as they are stored, and our kernel spreads them there.
#include "pillar/windows/windowed_volume.h"

#include "device/shared/cuda_tensor.h"
#include "windows/window_check.h"
#include "windows/window_kernel.h"

#include <algorithm>
#include <map>
#include <mutex>

#include <ATen/ops/empty.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace pillar {
namespace {

constexpr std::int64_t kPieces = 8;

at::Tensor sent(const at::Tensor& voxels, const at::Device& device) {
  return voxels.is_pinned() ? voxels.to(device, /*non_blocking=*/true)
                            : windows::sent_by_pieces(voxels, device);
}

// One for each device: memory that was made in one queue is given out again only there.
c10::Stream copy_queue(const at::Device& device) {
  static std::mutex mutex;
  static std::map<c10::DeviceIndex, c10::Stream> queues;
  const std::lock_guard lock(mutex);
  const auto found = queues.find(device.index());
  if (found != queues.end()) return found->second;
  const c10::Stream made = c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
  return queues.emplace(device.index(), made).first->second;
}

// By a queue of their own, so that voxels cross while the volume before them is computed.
at::Tensor sent_aside(const at::Tensor& voxels, const at::Device& device) {
  if (voxels.device() == device) return voxels;
  const c10::impl::VirtualGuardImpl gpu(device.type());
  const c10::Stream compute = gpu.getStream(device), aside = copy_queue(device);
  at::Tensor there;
  {
    const c10::StreamGuard queued_aside(aside);
    there = sent(voxels, device);
  }
  c10::Event arrived(device.type());
  arrived.record(aside);
  arrived.block(compute);
  there.record_stream(compute);  // its memory is given to nobody before the windows are made
  return there;
}

}  // namespace

namespace windows {

at::Tensor sent_by_pieces(const at::Tensor& voxels, const at::Device& device) {
  const at::Tensor pinned = staging(voxels.sizes(), voxels.scalar_type(), device);
  at::Tensor there = at::empty(voxels.sizes(), voxels.options().device(device));
  const at::Tensor from = voxels.flatten(), through = pinned.flatten(), to = there.flatten();
  const std::int64_t piece = std::max<std::int64_t>(1, (from.numel() + kPieces - 1) / kPieces);
  for (std::int64_t first = 0; first < from.numel(); first += piece) {
    const std::int64_t count = std::min(piece, from.numel() - first);
    through.narrow(0, first, count).copy_(from.narrow(0, first, count));
    to.narrow(0, first, count).copy_(through.narrow(0, first, count), /*non_blocking=*/true);
  }
  return there;
}

at::Tensor image_for(const at::Tensor& voxels_bcdhw, std::int64_t channels, at::ScalarType dtype) {
  const auto size = voxels_bcdhw.sizes();
  return at::empty({size[0], size[2], size[3], size[4], channels}, voxels_bcdhw.options().dtype(dtype))
      .permute({0, 4, 1, 2, 3});
}

void write_by_kernel(const at::Tensor& voxels_bcdhw, const at::Tensor& maps_bcw3, const at::Tensor& out_bcdhw,
                     const CudaModule& kernels) {
  const auto size = voxels_bcdhw.sizes();
  PillarCudaWindowsJob job = {};
  job.voxels = voxels_bcdhw.const_data_ptr();
  job.maps = static_cast<const PillarCudaMap*>(maps_bcw3.const_data_ptr());
  job.out = out_bcdhw.mutable_data_ptr();
  job.samples = size[0];
  job.channels = size[1];
  job.windows = maps_bcw3.size(2);
  job.voxels_per_channel = size[2] * size[3] * size[4];
  job.voxel_type = cuda_type(voxels_bcdhw.scalar_type());
  job.out_type = cuda_type(out_bcdhw.scalar_type());
  job.channels_last = 1;
  job.device = cuda_index(voxels_bcdhw.device());
  job.out_channels = out_bcdhw.size(1);
  check_cuda(kernels.windows(&job, current_stream(voxels_bcdhw.device())), kernels, "windows");
}

}  // namespace windows

at::Tensor WindowedVolume::on_cuda(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                                   const WindowsOnCuda& how) {
  const CudaModule& kernels = cuda_module();
  windows::check_voxels(voxels_bcdhw);
  const at::Tensor voxels = voxels_bcdhw.contiguous(), there = sent_aside(voxels, how.device);
  const auto count = static_cast<std::int64_t>(windows.size());
  std::optional<at::Tensor> maps = windows::maps_without_waiting(there, windows, how.known_finite);
  if (!maps) {
    const WindowedVolume windowed(voxels, windows);
    maps = windows::maps_of_ranges(windowed.ranges_, {voxels.size(0), voxels.size(1), count}, how.device);
  }
  at::Tensor out = how.into_bcdhw;
  if (!out.defined())
    out = windows::image_for(there, std::max(how.at_least, voxels.size(1) * count), how.dtype);
  windows::write_by_kernel(there, *maps, out, kernels);
  return out;
}

}  // namespace pillar
