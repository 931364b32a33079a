#include "pillar/viz/display_window.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "viz/picture/voxels.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace pillar {
namespace {

constexpr std::int64_t kSampleSize = 1 << 20;

std::optional<double> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<double> evenly_chosen(const at::Tensor& volume) {
  std::int64_t stride = std::max<std::int64_t>(1, volume.numel() / kSampleSize);
  // A stride that shared a factor with the rows would visit the same few columns in each of them.
  while (std::gcd(stride, volume.size(1) * volume.size(2)) != 1) ++stride;
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(volume.numel() / stride + 1));
  viz::visit_voxels(volume, [&](const auto* voxels) {
    for (std::int64_t i = 0; i < volume.numel(); i += stride)
      values.push_back(static_cast<double>(voxels[i]));
  });
  return values;
}

}  // namespace

void check_display_window(const DisplayWindow& window) {
  if (!std::isfinite(window.center) || !std::isfinite(window.width) || window.width <= 0) {
    fail(ErrorCategory::usage, "window {},{}: centre and width must be numbers, the width above 0",
         window.center, window.width);
  }
}

DisplayWindow parse_display_window(const std::string& text) {
  std::size_t comma = text.find(',');
  if (comma == std::string::npos) {
    fail(ErrorCategory::usage, "window '{}': give centre and width, like 40,400", printable(text));
  }
  std::string_view view = text;
  std::optional<double> center = parse_number(view.substr(0, comma));
  std::optional<double> width = parse_number(view.substr(comma + 1));
  if (!center || !width)
    fail(ErrorCategory::usage, "window '{}': give centre and width, like 40,400", printable(text));
  DisplayWindow window{*center, *width};
  check_display_window(window);
  return window;
}

DisplayWindow automatic_window(const at::Tensor& voxels_dhw) {
  std::vector<double> values = evenly_chosen(viz::checked_volume(voxels_dhw));
  for (double value : values) {
    if (!std::isfinite(value))
      fail(ErrorCategory::input, "no window for a volume with a voxel of value {}", value);
  }
  auto percentile = [&](double fraction) {
    auto nth = values.begin() + std::llround(fraction * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), nth, values.end());
    return *nth;
  };
  double low = percentile(0.005);
  double high = percentile(0.995);
  DisplayWindow window{low / 2 + high / 2, high - low};
  if (window.width <= 0) window.width = 1;
  if (!std::isfinite(window.width))
    fail(ErrorCategory::input, "no window can span the values {} to {}", low, high);
  return window;
}

}  // namespace pillar
