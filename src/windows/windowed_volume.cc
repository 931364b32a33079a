#include "pillar/windows/windowed_volume.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/joined.h"
#include "windows/device_statistics.h"
#include "windows/shared/output_memory.h"
#include "windows/statistics.h"
#include "windows/window_check.h"
#include "windows/window_writer.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

using windows::AffineClamp;
using windows::ChannelVoxels;
using windows::kRangeFloor;
using windows::Statistics;

constexpr std::size_t kStreamedBytes = 32u << 20;  // an output of this size is in no cache when it is read

windows::StatisticsWanted wanted_by(const std::vector<Window>& windows) {
  windows::StatisticsWanted wanted;
  for (const Window& window : windows) {
    windows::check_window(window);
    wanted.extremes |= window.kind == WindowKind::minmax;
    wanted.moments |= window.kind == WindowKind::znorm;
    if (window.kind == WindowKind::percentile) {
      wanted.percents.insert(wanted.percents.end(), {window.lower_percent, window.upper_percent});
    }
  }
  return wanted;
}

// `percentiles` points at the window's own two.
WindowRange range_of(const Window& window, const Statistics& statistics, const double* percentiles) {
  const double sd = statistics.sd < kRangeFloor ? 1 : statistics.sd;
  switch (window.kind) {
    case WindowKind::level:
      return {window.centre - window.width / 2, window.width};
    case WindowKind::minmax:
      return {statistics.min, statistics.max - statistics.min + kRangeFloor};
    case WindowKind::percentile:
      return {percentiles[0], percentiles[1] - percentiles[0] + kRangeFloor};
    case WindowKind::znorm:
      return {statistics.mean - 3 * sd, 6 * sd};
  }
  fail(ErrorCategory::usage, "window '{}' is of no known kind", printable(window.name));
}

std::vector<WindowRange> ranges_of(const at::Tensor& voxels, const std::vector<Window>& windows,
                                   const windows::StatisticsWanted& wanted) {
  const Statistics statistics = voxels.is_cpu() ? windows::statistics(voxels, wanted, at::get_num_threads())
                                                : windows::statistics_by_operators(voxels, wanted);
  std::vector<WindowRange> ranges;
  const double* percentiles = statistics.percentiles.data();
  for (const Window& window : windows) {
    const WindowRange range = range_of(window, statistics, percentiles);
    if (window.kind == WindowKind::percentile) percentiles += 2;
    const bool usable = std::isfinite(static_cast<float>(range.low)) &&
                        std::isfinite(static_cast<float>(range.width)) &&
                        static_cast<float>(1 / range.width) > 0;
    if (!usable) {
      fail(ErrorCategory::input, "window '{}': the voxels' values span more than a float can",
           printable(window.name));
    }
    ranges.push_back(range);
  }
  return ranges;
}

ChannelVoxels channel_voxels(const at::Tensor& voxels) {
  if (!voxels.is_cpu())
    fail(ErrorCategory::usage, "voxels on {} are windowed there, by on_cuda()", voxels.device().str());
  return {voxels.const_data_ptr(), voxels.scalar_type(), voxels.numel()};
}

std::vector<AffineClamp> maps_of(const WindowRange* ranges, std::int64_t count) {
  std::vector<AffineClamp> maps;
  for (std::int64_t i = 0; i < count; ++i) {
    maps.push_back({static_cast<float>(ranges[i].low), static_cast<float>(1 / ranges[i].width)});
  }
  return maps;
}

}  // namespace

namespace windows {

void check_voxels(const at::Tensor& voxels) {
  if (!voxels.defined() || voxels.dim() != 5 || voxels.numel() == 0) {
    fail(ErrorCategory::input, "windows need voxels of (batch, channels, depth, height, width), not {}",
         voxels.defined() ? fmt::format("({})", joined(voxels.sizes(), ", ")) : "nothing");
  }
  const at::ScalarType dtype = voxels.scalar_type();
  if (dtype != at::kShort && dtype != at::kUInt16 && dtype != at::kFloat) {
    fail(ErrorCategory::input, "cannot window voxels of type {}; int16, uint16 and float32 can be",
         c10::toString(dtype));
  }
}

}  // namespace windows

WindowedVolume::WindowedVolume(at::Tensor voxels_bcdhw, const std::vector<Window>& windows)
    : windows_(static_cast<std::int64_t>(windows.size())) {
  if (windows.empty()) fail(ErrorCategory::usage, "a volume needs at least one window to be seen through");
  const windows::StatisticsWanted wanted = wanted_by(windows);
  windows::check_voxels(voxels_bcdhw);
  voxels_bcdhw_ = voxels_bcdhw.is_contiguous() ? std::move(voxels_bcdhw) : voxels_bcdhw.contiguous();
  for (std::int64_t b = 0; b < voxels_bcdhw_.size(0); ++b) {
    for (std::int64_t c = 0; c < voxels_bcdhw_.size(1); ++c) {
      const std::vector<WindowRange> ranges = ranges_of(voxels_bcdhw_[b][c], windows, wanted);
      ranges_.insert(ranges_.end(), ranges.begin(), ranges.end());
    }
  }
}

std::int64_t WindowedVolume::batch() const {
  return voxels_bcdhw_.size(0);
}

std::int64_t WindowedVolume::channels() const {
  return voxels_bcdhw_.size(1) * windows_;
}

WindowRange WindowedVolume::range(std::int64_t sample, std::int64_t channel) const {
  if (sample < 0 || sample >= batch() || channel < 0 || channel >= channels()) {
    fail(ErrorCategory::usage, "no channel {} of sample {}; there are {} and {}", channel, sample, channels(),
         batch());
  }
  return ranges_[sample * channels() + channel];
}

at::Tensor WindowedVolume::slab_dhwc(std::int64_t sample, std::int64_t first, std::int64_t last,
                                     at::ScalarType dtype) const {
  if (sample < 0 || sample >= batch() || first < 0 || first >= last || last > voxels_bcdhw_.size(2)) {
    fail(ErrorCategory::usage, "no slices {} to {} of sample {}; there are {} samples of {} slices", first,
         last, sample, batch(), voxels_bcdhw_.size(2));
  }
  windows::check_output_type(dtype);
  at::Tensor out =
      windows::new_output({last - first, voxels_bcdhw_.size(3), voxels_bcdhw_.size(4), channels()}, dtype);
  std::vector<ChannelVoxels> inputs;
  for (std::int64_t c = 0; c < voxels_bcdhw_.size(1); ++c) {
    inputs.push_back(channel_voxels(voxels_bcdhw_[sample][c].narrow(0, first, last - first)));
  }
  windows::write_interleaved(inputs, maps_of(&ranges_[sample * channels()], channels()),
                             out.mutable_data_ptr(), dtype, at::get_num_threads());
  return out;
}

at::Tensor WindowedVolume::all_bcdhw(at::ScalarType dtype) const {
  windows::check_output_type(dtype);
  at::Tensor out = windows::new_output(
      {batch(), channels(), voxels_bcdhw_.size(2), voxels_bcdhw_.size(3), voxels_bcdhw_.size(4)}, dtype);
  write_all_bcdhw(out);
  return out;
}

void WindowedVolume::write_all_bcdhw(at::Tensor& out) const {
  const std::array<std::int64_t, 5> shape = {batch(), channels(), voxels_bcdhw_.size(2),
                                             voxels_bcdhw_.size(3), voxels_bcdhw_.size(4)};
  if (!out.defined() || !out.device().is_cpu() || !out.is_contiguous() ||
      out.sizes() != at::IntArrayRef(shape)) {
    fail(ErrorCategory::usage, "windows need a contiguous tensor of ({}) on the CPU to be written to",
         joined(shape, ", "));
  }
  windows::check_output_type(out.scalar_type());
  const bool stream = out.nbytes() >= kStreamedBytes;
  auto* target = static_cast<std::uint8_t*>(out.mutable_data_ptr());
  const std::vector<AffineClamp> maps = maps_of(ranges_.data(), static_cast<std::int64_t>(ranges_.size()));
  const std::int64_t volumes = voxels_bcdhw_.size(0) * voxels_bcdhw_.size(1);
  for (std::int64_t i = 0; i < volumes; ++i) {
    const at::Tensor channel = voxels_bcdhw_[i / voxels_bcdhw_.size(1)][i % voxels_bcdhw_.size(1)];
    windows::write_planes(channel_voxels(channel), &maps[i * windows_], windows_,
                          target + static_cast<std::size_t>(i) * (out.nbytes() / volumes), out.scalar_type(),
                          stream, at::get_num_threads());
  }
}

}  // namespace pillar
