#include "pillar/windows/window.h"

#include "baselines.h"
#include "plain_atlas.h"

#include <ATen/ATen.h>

namespace pillar::bench {

Measurement libtorch_windows(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows) {
  Measurement m;
  const double begin = now_seconds();
  const at::Tensor stacked = plain_windows(voxels_bcdhw, windows).to(at::kBFloat16);
  m.seconds = now_seconds() - begin;
  m.figures = {{"bytes_written", static_cast<double>(stacked.nbytes())},
               {"gb_per_s", static_cast<double>(stacked.nbytes()) / m.seconds / 1e9}};
  return m;
}

}  // namespace pillar::bench
