#include "pillar/viz/overlay_picture.h"

#include "pillar/viz/contact_sheet.h"

#include "viz/picture/bitmap_font.h"
#include "viz/picture/overlay.h"
#include "viz/picture/picture.h"
#include "viz/picture/voxels.h"

#include <algorithm>

namespace pillar {
namespace {

constexpr int kLabelScale = 2;
constexpr DisplayWindow kAllLevels = {127.5, 255};

// One plane twice, of the same size: the scan's greys and the overlay's levels.
struct OverlaidPlane {
  Image8 greys, levels;
  std::string label;
};

Image8 fitted_to(const Image8& image, int pixels) {
  const double scale = static_cast<double>(pixels) / std::max(image.height, image.width);
  return viz::resize(image, viz::picture_side(image.height * scale), viz::picture_side(image.width * scale));
}

OverlaidPlane plane_through(const at::Tensor& volume, const at::Tensor& levels, int axis, std::int64_t index,
                            const std::array<double, 3>& spacing_xyz_mm,
                            const OverlayPictureOptions& options) {
  const auto drawn = [&](const at::Tensor& voxels, const DisplayWindow& window) {
    return fitted_to(render_slice(voxels, axis, index, window, spacing_xyz_mm, options.slices_ascend),
                     options.plane_pixels);
  };
  return {drawn(volume, options.window), drawn(levels, kAllLevels), fmt::format("{} {}", "ZYX"[axis], index)};
}

Image8 coloured(const Image8& greys, const Image8& levels, double opacity) {
  Image8 image{greys.height, greys.width, 3, {}};
  image.pixels.reserve(3 * greys.pixels.size());
  for (std::size_t i = 0; i < greys.pixels.size(); ++i) {
    const auto pixel = viz::tinted(greys.pixels[i], levels.pixels[i], opacity);
    image.pixels.insert(image.pixels.end(), pixel.begin(), pixel.end());
  }
  return image;
}

}  // namespace

Image8 overlay_picture(const at::Tensor& voxels_dhw, const at::Tensor& overlay_dhw,
                       const std::array<double, 3>& spacing_xyz_mm, const OverlayPictureOptions& options) {
  const at::Tensor volume = viz::checked_volume(voxels_dhw);
  viz::check_opacity(options.opacity);
  if (options.plane_pixels < 16 || options.plane_pixels > 2048)
    fail(ErrorCategory::usage, "planes of {} pixels; 16 to 2048 can be had", options.plane_pixels);
  const at::Tensor levels = viz::overlay_levels(overlay_dhw, volume);
  const std::array<std::int64_t, 3> at = viz::highest(levels);
  std::vector<OverlaidPlane> planes;
  int height = 0, width = viz::kGap;
  for (int axis = 0; axis < 3; ++axis) {
    planes.push_back(
        plane_through(volume, levels, axis, at[static_cast<std::size_t>(axis)], spacing_xyz_mm, options));
    height = std::max(height, planes.back().greys.height);
    width += planes.back().greys.width + viz::kGap;
  }
  const int top = viz::kGap + (options.title.empty() ? 0 : viz::text_height(kLabelScale) + viz::kGap);
  Image8 greys = viz::blank(top + height + viz::kGap, width, viz::kSheetGrey);
  Image8 tint = viz::blank(greys.height, greys.width, 0);
  if (!options.title.empty()) viz::draw_title(greys, options.title, kLabelScale);
  int left = viz::kGap;
  for (const OverlaidPlane& plane : planes) {
    viz::paste(greys, plane.greys, left, top);
    viz::paste(tint, plane.levels, left, top);
    viz::draw_label(greys, left, top, plane.label, kLabelScale);
    left += plane.greys.width + viz::kGap;
  }
  return coloured(greys, tint, options.opacity);
}

}  // namespace pillar
