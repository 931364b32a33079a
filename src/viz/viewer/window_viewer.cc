#include "pillar/viz/window_viewer.h"

#include "pillar/core/printable.h"

#include "viz/picture/histogram.h"
#include "viz/picture/voxels.h"
#include "viz/viewer/packed_voxels.h"
#include "viz/viewer/page.h"
#include "viz/viewer/text_encoding.h"
#include "viz/viewer/window_parts.h"

#include <cmath>

#include <fmt/ranges.h>

namespace pillar {
namespace {

constexpr int kBins = 256;
constexpr std::size_t kMostWindows = 64;

std::string windows_json(const std::vector<ShownWindow>& windows) {
  std::vector<std::string> list;
  list.reserve(windows.size());
  for (const ShownWindow& window : windows) {
    list.push_back(fmt::format("{{\"name\":{},\"low\":{},\"high\":{}}}", viz::json_string(window.name),
                               window.low, window.high));
  }
  return fmt::format("[{}]", fmt::join(list, ","));
}

std::string scan_json(const at::Tensor& volume, const std::array<double, 3>& spacing_xyz_mm,
                      const std::vector<ShownWindow>& windows, const viz::PackedVoxels& packed) {
  const viz::Histogram histogram = viz::histogram_of(volume, kBins);
  const std::array<std::int64_t, 3> full = {volume.size(2), volume.size(1), volume.size(0)};
  return fmt::format(
      "{{\"size\":[{}],\"fullSize\":[{}],\"spacing\":[{}],\"levels\":[{}],\"scale\":{},\"offset\":{},"
      "\"windows\":{},"
      "\"histogram\":{{\"low\":{},\"high\":{},\"counts\":[{}]}}}}",
      fmt::join(packed.size_xyz, ","), fmt::join(full, ","), fmt::join(spacing_xyz_mm, ","),
      fmt::join(packed.levels, ","), packed.scale, packed.offset, windows_json(windows), histogram.low,
      histogram.high, fmt::join(histogram.counts, ","));
}

std::string notice_html(const WindowViewerOptions& options) {
  if (options.notice.empty()) return {};
  return fmt::format("<p id=\"notice\" class=\"{}\">{}{}</p>", options.warning ? "warning" : "note",
                     options.warning ? "<b>Warning.</b> " : "", viz::escape_html(options.notice));
}

}  // namespace

void viz::check_windows(const std::vector<ShownWindow>& windows) {
  if (windows.empty() || windows.size() > kMostWindows) {
    fail(ErrorCategory::usage, "{} windows cannot be shown; 1 to {} can", windows.size(), kMostWindows);
  }
  for (const ShownWindow& window : windows) {
    if (!std::isfinite(window.low) || !std::isfinite(window.high - window.low) || window.high <= window.low) {
      fail(ErrorCategory::usage, "window '{}' from {} to {}: must be numbers in ascending order",
           printable(window.name), window.low, window.high);
    }
  }
}

std::string window_viewer_html(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                               const std::vector<ShownWindow>& windows, const WindowViewerOptions& options) {
  const at::Tensor volume = viz::checked_volume(voxels_dhw);
  viz::check_spacing(spacing_xyz_mm);
  viz::check_windows(windows);
  viz::check_longest_side(options.longest_side);
  const viz::PackedVoxels packed = viz::pack_voxels(volume, options.longest_side);
  return viz::fill_page(viz::kWindowViewerPage,
                        {
                            {"title", viz::escape_html(options.title)},
                            {"unit", viz::escape_html(options.value_unit)},
                            {"about", viz::about_volume(volume, spacing_xyz_mm, packed)},
                            {"notice", notice_html(options)},
                            {"facts", viz::facts_rows(options.facts)},
                            {"scan", scan_json(volume, spacing_xyz_mm, windows, packed)},
                            {"voxels", viz::base64(packed.deflated)},
                        });
}

void write_window_viewer(const std::filesystem::path& path, const at::Tensor& voxels_dhw,
                         const std::array<double, 3>& spacing_xyz_mm, const std::vector<ShownWindow>& windows,
                         const WindowViewerOptions& options) {
  write_file_atomic(path, window_viewer_html(voxels_dhw, spacing_xyz_mm, windows, options));
}

}  // namespace pillar
