#include "model/atlas/window_grid.h"

#include "device/shared/cuda_module.h"
#include "device/shared/cuda_tensor.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max_pool3d.h>

namespace pillar {

at::Tensor windows_to_grid(const at::Tensor& x, const Size3& grid, const Size3& window) {
  const std::int64_t c = x.size(-1);
  return x.reshape({-1, grid[0], grid[1], grid[2], window[0], window[1], window[2], c})
      .permute({0, 1, 4, 2, 5, 3, 6, 7})
      .reshape({-1, grid[0] * window[0], grid[1] * window[1], grid[2] * window[2], c});
}

at::Tensor grid_to_windows(const at::Tensor& x, const Size3& grid, const Size3& window) {
  const std::int64_t c = x.size(-1);
  return x.reshape({-1, grid[0], window[0], grid[1], window[1], grid[2], window[2], c})
      .permute({0, 1, 3, 5, 2, 4, 6, 7})
      .reshape({-1, window[0] * window[1] * window[2], c});
}

namespace {

at::Tensor max_pool_by_kernel(const at::Tensor& x, const Size3& by, const CudaModule& kernels) {
  at::Tensor out =
      at::empty({x.size(0), x.size(1) / by[0], x.size(2) / by[1], x.size(3) / by[2], x.size(4)}, x.options());
  PillarCudaMaxPoolJob job = {};
  job.x = x.const_data_ptr<float>();
  job.out = out.mutable_data_ptr<float>();
  job.batch = x.size(0);
  for (int a = 0; a < 3; ++a) job.size_dhw[a] = x.size(a + 1), job.by_dhw[a] = by[a];
  job.channels = x.size(4);
  job.device = cuda_index(x.device());
  check_cuda(kernels.max_pool(&job, current_stream(x.device())), kernels, "pooling of tokens");
  return out;
}

}  // namespace

at::Tensor max_pool_grid(const at::Tensor& x, const Size3& by, const Execution& execution) {
  if (by == Size3{1, 1, 1}) return x;
  if (execution.kernels != nullptr && !execution.gradients && x.size(4) % 4 == 0)
    return max_pool_by_kernel(x.contiguous(), by, *execution.kernels);
  return at::max_pool3d(x.permute({0, 4, 1, 2, 3}), by).permute({0, 2, 3, 4, 1});
}

at::Tensor grid_places(const ScaleLayout& layout) {
  Size3 size;
  for (std::size_t axis = 0; axis < 3; ++axis) size[axis] = layout.cut_grid[axis] * layout.cut_window[axis];
  const at::Tensor count = at::arange(size[0] * size[1] * size[2], at::kLong);
  return grid_to_windows(count.view({1, size[0], size[1], size[2], 1}), layout.cut_grid, layout.cut_window)
      .flatten();
}

}  // namespace pillar
