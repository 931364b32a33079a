#include "pillar/viz/slice_viewer.h"

#include "pillar/core/sha256.h"

#include "viz/packed_voxels.h"
#include "viz/slice_viewer_page.h"
#include "viz/text_encoding.h"
#include "viz/voxels.h"

#include <fmt/ranges.h>

namespace pillar {
namespace {

using Fields = std::map<std::string_view, std::string>;

// Replaces each {{name}} of the template in one pass, so that braces in what is filled in mean nothing.
std::string fill(std::string_view page, const Fields& fields) {
  std::size_t size = page.size();
  for (const auto& [name, value] : fields) size += value.size();
  std::string filled;
  filled.reserve(size);
  for (;;) {
    std::size_t begin = page.find("{{");
    filled += page.substr(0, begin);
    if (begin == std::string_view::npos) return filled;
    std::size_t end = page.find("}}", begin);
    filled += fields.at(page.substr(begin + 2, end - begin - 2));
    page.remove_prefix(end + 2);
  }
}

// For the page's content security policy: nothing but this very text may run or style the page.
std::string policy_hash(std::string_view text) {
  return "'sha256-" + viz::base64(sha256(as_bytes(text))) + "'";
}

std::string facts_rows(const SliceViewerOptions& options) {
  std::string rows;
  for (const auto& [name, value] : options.facts) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", viz::escape_html(name),
                        viz::escape_html(value));
  }
  return rows;
}

std::string about(const at::Tensor& volume, const std::array<double, 3>& spacing_xyz_mm,
                  const viz::PackedVoxels& packed) {
  std::string text =
      fmt::format("{} × {} × {} voxels of {:.4g} × {:.4g} × {:.4g} mm", volume.size(2), volume.size(1),
                  volume.size(0), spacing_xyz_mm[0], spacing_xyz_mm[1], spacing_xyz_mm[2]);
  auto [columns, rows, slices] = packed.size_xyz;
  if (columns * rows * slices != volume.numel())
    text += fmt::format(", thinned to {} × {} × {}", columns, rows, slices);
  if (packed.levels.empty()) text += fmt::format(", values in steps of {:.4g}", packed.scale);
  return text;
}

// Numbers only: nothing in it needs escaping.
std::string scan_json(const at::Tensor& volume, const std::array<double, 3>& spacing_xyz_mm,
                      const SliceViewerOptions& options, const viz::PackedVoxels& packed) {
  DisplayWindow automatic = automatic_window(volume);
  std::array<std::int64_t, 3> full = {volume.size(2), volume.size(1), volume.size(0)};
  return fmt::format(
      "{{\"size\":[{}],\"fullSize\":[{}],\"spacing\":[{}],\"levels\":[{}],\"scale\":{},\"offset\":{},"
      "\"window\":[{},{}],\"automatic\":[{},{}],\"slicesAscend\":{},\"lpsAxial\":{}}}",
      fmt::join(packed.size_xyz, ","), fmt::join(full, ","), fmt::join(spacing_xyz_mm, ","),
      fmt::join(packed.levels, ","), packed.scale, packed.offset, options.window.center, options.window.width,
      automatic.center, automatic.width, options.slices_ascend, options.lps_axial);
}

}  // namespace

std::string slice_viewer_html(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                              const SliceViewerOptions& options) {
  at::Tensor volume = viz::checked_volume(voxels_dhw);
  viz::check_spacing(spacing_xyz_mm);
  validate(options.window);
  if (options.longest_side < 8 || options.longest_side > 512) {
    fail(ErrorCategory::usage, "a viewer can keep 8 to 512 voxels along an axis, not {}",
         options.longest_side);
  }
  viz::PackedVoxels packed = viz::pack_voxels(volume, options.longest_side);
  return fill(viz::kPageHtml, {
                                  {"title", viz::escape_html(options.title)},
                                  {"unit", viz::escape_html(options.value_unit)},
                                  {"about", about(volume, spacing_xyz_mm, packed)},
                                  {"facts", facts_rows(options)},
                                  {"scan", scan_json(volume, spacing_xyz_mm, options, packed)},
                                  {"voxels", viz::base64(packed.deflated)},
                                  {"style", std::string(viz::kPageStyle)},
                                  {"style hash", policy_hash(viz::kPageStyle)},
                                  {"script", std::string(viz::kPageScript)},
                                  {"script hash", policy_hash(viz::kPageScript)},
                              });
}

void write_slice_viewer(const std::filesystem::path& path, const at::Tensor& voxels_dhw,
                        const std::array<double, 3>& spacing_xyz_mm, const SliceViewerOptions& options) {
  write_file_atomic(path, slice_viewer_html(voxels_dhw, spacing_xyz_mm, options));
}

}  // namespace pillar
