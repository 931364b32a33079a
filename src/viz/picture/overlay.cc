#include "viz/picture/overlay.h"

#include "viz/picture/voxels.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/empty.h>

namespace pillar::viz {

at::Tensor overlay_levels(const at::Tensor& overlay_dhw, const at::Tensor& volume) {
  const at::Tensor overlay = checked_volume(overlay_dhw);
  if (overlay.sizes() != volume.sizes()) {
    fail(ErrorCategory::input, "an overlay of {} x {} x {} voxels on a volume of {} x {} x {}",
         overlay.size(0), overlay.size(1), overlay.size(2), volume.size(0), volume.size(1), volume.size(2));
  }
  at::Tensor levels = at::empty(overlay.sizes(), at::kByte);
  visit_voxels(overlay, [&](const auto* values) {
    double largest = 0;
    for (std::int64_t i = 0; i < overlay.numel(); ++i) {
      const auto value = static_cast<double>(values[i]);
      if (!std::isfinite(value) || value < 0)
        fail(ErrorCategory::input, "cannot show an overlay with a value of {}", value);
      largest = std::max(largest, value);
    }
    const double scale = largest > 0 ? 255 / largest : 0;
    std::transform(
        values, values + overlay.numel(), levels.mutable_data_ptr<std::uint8_t>(), [scale](auto value) {
          return static_cast<std::uint8_t>(std::min(static_cast<double>(value) * scale + 0.5, 255.0));
        });
  });
  return levels;
}

void check_opacity(double opacity) {
  if (opacity >= 0 && opacity <= 1) return;
  fail(ErrorCategory::usage, "an opacity of {}; it must be from 0 to 1", opacity);
}

std::array<std::uint8_t, 3> tinted(std::uint8_t grey, std::uint8_t level, double opacity) {
  const double share = opacity * level / 255;
  const auto mixed = [&](int ink) { return static_cast<std::uint8_t>(grey + (ink - grey) * share + 0.5); };
  return {mixed(255), mixed(255 - level), mixed(0)};
}

std::array<std::int64_t, 3> highest(const at::Tensor& levels_dhw) {
  const auto* levels = levels_dhw.const_data_ptr<std::uint8_t>();
  const std::int64_t at = std::max_element(levels, levels + levels_dhw.numel()) - levels;
  const std::int64_t columns = levels_dhw.size(2), slice = columns * levels_dhw.size(1);
  return {at / slice, at % slice / columns, at % columns};
}

}  // namespace pillar::viz
