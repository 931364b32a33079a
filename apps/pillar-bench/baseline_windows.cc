#include "pillar/tokenizer/window.h"

#include "baselines.h"

#include <ATen/ATen.h>

namespace pillar::bench {

Measurement libtorch_windows(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows) {
  Measurement m;
  const double begin = now_seconds();
  const at::Tensor values = voxels_bcdhw.select(1, 0).to(at::kFloat);
  std::vector<at::Tensor> planes;
  for (const Window& window : windows) {
    if (window.kind == WindowKind::level) {
      planes.push_back(((values - (window.centre - window.width / 2)) / window.width).clamp(0, 1));
    } else {
      const at::Tensor min = values.amin({1, 2, 3}, true), max = values.amax({1, 2, 3}, true);
      planes.push_back((values - min) / (max - min + 1e-8));
    }
  }
  const at::Tensor stacked = at::stack(planes, 1).to(at::kBFloat16);
  m.seconds = now_seconds() - begin;
  m.figures = {{"bytes_written", static_cast<double>(stacked.nbytes())},
               {"gb_per_s", static_cast<double>(stacked.nbytes()) / m.seconds / 1e9}};
  return m;
}

}  // namespace pillar::bench
