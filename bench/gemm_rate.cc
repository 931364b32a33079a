#include "gemm_rate.h"

#include "pillar/device/device_clock.h"

#include <algorithm>

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/rand.h>

namespace pillar::bench {

double gemm_gflops(at::ScalarType dtype, const std::vector<std::int64_t>& sides, at::Device device) {
  constexpr int kRuns = 3;
  double best = 0;
  for (const std::int64_t n : sides) {
    const at::Tensor a = at::rand({n, n}, device).to(dtype), b = at::rand({n, n}, device).to(dtype);
    at::Tensor out = at::empty({n, n}, a.options());
    const double gflop = 2 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n) / 1e9;
    for (int run = 0; run < kRuns; ++run) {
      DeviceClock clock(device);
      clock.mark();
      at::mm_out(out, a, b);
      clock.mark();
      best = std::max(best, gflop / clock.laps().front());
    }
  }
  return best;
}

}  // namespace pillar::bench
