#include "windows_cases.h"

#include "pillar/phantom/phantom.h"
#include "pillar/windows/windowed_volume.h"

#include "baselines.h"
#include "memory_bandwidth.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

namespace pillar::bench {
namespace {

constexpr int kWindowRuns = 3;
constexpr int kShortRuns =
    5;  // of ours within each: a run takes as long as a turn of another process on the same core
constexpr std::int64_t kSlabSlices = 16;

const std::vector<Window>& all_windows() {
  static const std::vector<Window> windows = parse_windows("all", WindowFamily::ct);
  return windows;
}

// Made once in a process: the same for every run.
const at::Tensor& voxels(const WindowsOptions& options) {
  static const at::Tensor made = [&] {
    at::set_num_threads(options.threads);
    PhantomOptions phantom;
    phantom.size = static_cast<int>(options.size);
    return make_phantom(1, phantom).volume.voxels_dhw.unsqueeze(0).unsqueeze(0).contiguous();
  }();
  return made;
}

void add_bandwidth(Measurement& m, double bytes, const at::Tensor& buffer, const WindowsOptions& options) {
  const double ours = bytes / m.seconds / 1e9;
  const double machine = write_bandwidth_gb(buffer.mutable_data_ptr(), buffer.nbytes(), options.threads);
  m.figures = {{"bytes_written", bytes},
               {"gb_per_s", ours},
               {"machine_gb_per_s", machine},
               {"ratio_to_machine", ours / machine}};
}

template <typename Work>
double fastest_seconds(const Work& work) {
  double best = 1e9;
  for (int run = 0; run < kShortRuns; ++run) {
    const double begin = now_seconds();
    work();
    best = std::min(best, now_seconds() - begin);
  }
  return best;
}

// Statistics and windows, into memory that the allocator has to fetch.
Measurement fresh(const WindowsOptions& options) {
  const at::Tensor& input = voxels(options);
  Measurement m;
  at::Tensor out;
  m.seconds = fastest_seconds([&] {
    out.reset();
    out = WindowedVolume(input, all_windows()).all_bcdhw(at::kBFloat16);
  });
  add_bandwidth(m, static_cast<double>(out.nbytes()), out, options);
  return m;
}

// The same into memory that was written before, as a training loop does.
Measurement reused(const WindowsOptions& options) {
  const at::Tensor& input = voxels(options);
  static at::Tensor out = WindowedVolume(input, all_windows()).all_bcdhw(at::kBFloat16);
  Measurement m;
  m.seconds = fastest_seconds([&] { WindowedVolume(input, all_windows()).write_all_bcdhw(out); });
  add_bandwidth(m, static_cast<double>(out.nbytes()), out, options);
  return m;
}

// Slab after slab, channels last: what the streamed stem asks for.
Measurement slabs(const WindowsOptions& options) {
  const at::Tensor& input = voxels(options);
  Measurement m;
  double bytes = 0;
  at::Tensor slab;
  m.seconds = fastest_seconds([&] {
    const WindowedVolume volume(input, all_windows());
    bytes = 0;
    for (std::int64_t first = 0; first < options.size; first += kSlabSlices) {
      slab = volume.slab_dhwc(0, first, std::min(options.size, first + kSlabSlices), at::kBFloat16);
      bytes += static_cast<double>(slab.nbytes());
    }
  });
  add_bandwidth(m, bytes, slab, options);
  return m;
}

}  // namespace

std::vector<Case> windows_cases(const WindowsOptions& options) {
  const char* plain = "LibTorch: to float32, stack of clamp((x - low) / width) and minmax, to bfloat16";
  const auto baseline = [=] { return libtorch_windows(voxels(options), all_windows()); };
  return {{"windows_reused", [=] { return reused(options); }, plain, baseline, kWindowRuns},
          {"windows_fresh", [=] { return fresh(options); }, plain, baseline, kWindowRuns},
          {"windows_slabs", [=] { return slabs(options); }, plain, baseline, kWindowRuns}};
}

}  // namespace pillar::bench
