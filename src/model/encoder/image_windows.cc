#include "pillar/model/image_windows.h"

#include "pillar/windows/windowed_volume.h"

#include <ATen/ops/empty.h>

namespace pillar {

at::Tensor windowed_image(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                          at::Device device, at::ScalarType dtype, at::Tensor& buffer, bool known_finite) {
  if (device.is_cuda())
    return WindowedVolume::on_cuda(voxels_bcdhw, windows, {device, dtype, 0, known_finite, {}});
  const WindowedVolume windowed(voxels_bcdhw, windows);
  std::vector<std::int64_t> shape = voxels_bcdhw.sizes().vec();
  shape[1] = windowed.channels();
  const bool fits = buffer.defined() && buffer.scalar_type() == dtype && buffer.size(0) >= shape[0] &&
                    buffer.sizes().slice(1) == at::IntArrayRef(shape).slice(1);
  if (!fits) buffer = at::empty(shape, at::TensorOptions().dtype(dtype));
  at::Tensor out = buffer.narrow(0, 0, shape[0]);
  windowed.write_all_bcdhw(out);
  return out;
}

}  // namespace pillar
