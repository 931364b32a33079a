#include "pillar/viz/slice_viewer.h"

#include "viz/picture/overlay.h"
#include "viz/picture/voxels.h"
#include "viz/viewer/packed_voxels.h"
#include "viz/viewer/page.h"
#include "viz/viewer/text_encoding.h"
#include "viz/viewer/token_overlay.h"

#include <fmt/ranges.h>

namespace pillar {
namespace {

viz::OverlayFields overlay_fields(const at::Tensor& volume, const SliceViewerOptions& options) {
  if (options.tokens) return viz::token_fields(*options.tokens);
  if (!options.overlay) return {};
  const SliceOverlay& overlay = *options.overlay;
  viz::check_opacity(overlay.opacity);
  const viz::PackedVoxels packed =
      viz::pack_voxels(viz::overlay_levels(overlay.values_dhw, volume), options.longest_side);
  viz::OverlayFields fields;
  fields.json = fmt::format("{{\"name\":{},\"levels\":[{}],\"opacity\":{}}}", viz::json_string(overlay.name),
                            fmt::join(packed.levels, ","), overlay.opacity);
  fields.control = fmt::format(
      "<label>{} <input id=\"opacity\" type=\"range\" min=\"0\" max=\"1\" step=\"0.05\" "
      "value=\"{}\"></label>",
      viz::escape_html(overlay.name), overlay.opacity);
  fields.voxels =
      fmt::format("<script id=\"overlay\" type=\"text/plain\">{}</script>\n", viz::base64(packed.deflated));
  return fields;
}

std::string scan_json(const at::Tensor& volume, const std::array<double, 3>& spacing_xyz_mm,
                      const SliceViewerOptions& options, const viz::PackedVoxels& packed,
                      const std::string& overlay) {
  DisplayWindow automatic = automatic_window(volume);
  std::array<std::int64_t, 3> full = {volume.size(2), volume.size(1), volume.size(0)};
  return fmt::format(
      "{{\"size\":[{}],\"fullSize\":[{}],\"spacing\":[{}],\"levels\":[{}],\"scale\":{},\"offset\":{},"
      "\"window\":[{},{}],\"automatic\":[{},{}],\"slicesAscend\":{},\"lpsAxial\":{},\"overlay\":{}}}",
      fmt::join(packed.size_xyz, ","), fmt::join(full, ","), fmt::join(spacing_xyz_mm, ","),
      fmt::join(packed.levels, ","), packed.scale, packed.offset, options.window.center, options.window.width,
      automatic.center, automatic.width, options.slices_ascend, options.lps_axial, overlay);
}

}  // namespace

std::string slice_viewer_html(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                              const SliceViewerOptions& options) {
  at::Tensor volume = viz::checked_volume(voxels_dhw);
  viz::check_spacing(spacing_xyz_mm);
  check_display_window(options.window);
  viz::check_longest_side(options.longest_side);
  viz::PackedVoxels packed = viz::pack_voxels(volume, options.longest_side);
  if (options.overlay && options.tokens) fail(ErrorCategory::usage, "a viewer shows one overlay at a time");
  const viz::OverlayFields overlay = overlay_fields(volume, options);
  return viz::fill_page(viz::kSliceViewerPage,
                        {
                            {"title", viz::escape_html(options.title)},
                            {"unit", viz::escape_html(options.value_unit)},
                            {"about", viz::about_volume(volume, spacing_xyz_mm, packed)},
                            {"facts", viz::facts_rows(options.facts)},
                            {"scan", scan_json(volume, spacing_xyz_mm, options, packed, overlay.json)},
                            {"voxels", viz::base64(packed.deflated)},
                            {"overlay control", overlay.control},
                            {"overlay voxels", overlay.voxels},
                        });
}

void write_slice_viewer(const std::filesystem::path& path, const at::Tensor& voxels_dhw,
                        const std::array<double, 3>& spacing_xyz_mm, const SliceViewerOptions& options) {
  write_file_atomic(path, slice_viewer_html(voxels_dhw, spacing_xyz_mm, options));
}

}  // namespace pillar
