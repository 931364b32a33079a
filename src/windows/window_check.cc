#include "windows/window_check.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <cmath>

namespace pillar::windows {
namespace {

// A width whose inverse is no float would turn every voxel into NaN.
bool usable_width(double width) {
  const float inverse = static_cast<float>(1.0 / width);
  return width > 0 && std::isfinite(inverse) && inverse > 0;
}

}  // namespace

void check_window(const Window& window) {
  if (window.kind == WindowKind::level) {
    const double low = window.centre - window.width / 2;
    if (!std::isfinite(static_cast<float>(low)) || !usable_width(window.width)) {
      fail(ErrorCategory::usage, "window '{}': centre {}, width {}: both must be numbers, the width above 0",
           printable(window.name), window.centre, window.width);
    }
  }
  if (window.kind == WindowKind::percentile &&
      !(window.lower_percent >= 0 && window.lower_percent < window.upper_percent &&
        window.upper_percent <= 100)) {
    fail(ErrorCategory::usage, "window '{}': percentiles {} and {}: must ascend within 0 to 100",
         printable(window.name), window.lower_percent, window.upper_percent);
  }
}

}  // namespace pillar::windows
