// Intensity windows: the ranges that a volume is seen through, one model channel each (docs/formats.md,
// "Windows").
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pillar {

enum class WindowKind {
  level,       // clamp((x - (centre - width/2)) / width, 0, 1), HU
  minmax,      // (x - min) / (max - min + 1e-8)
  percentile,  // between two percentiles of the volume (1e-8 added to the range), clamped to [0,1]
  znorm,       // mean +- 3 sd to [0,1], clamped; unbiased sd, 1 where it is below 1e-8
};

// What a volume's values mean, and so which windows have a name.
enum class WindowFamily { ct, mr, xray };

const char* to_string(WindowFamily family) noexcept;  // "CT", "MR", "X-ray"

// "CT", "MR" or "MRI", "XR", "CR", "DX" or "X-ray", in any case. Throws Error(usage).
WindowFamily parse_window_family(std::string_view text);

struct Window {
  std::string name;
  WindowKind kind = WindowKind::level;
  double centre = 0;           // level: HU
  double width = 1;            // level: HU, above 0
  double lower_percent = 0;    // percentile: 0 to 100
  double upper_percent = 100;  // percentile: above lower_percent
  bool operator==(const Window&) const = default;
};

// "all", "default", or a list of names and own windows: "lung,bone,kidney:60,300,minmax" (name:centre,width);
// "all" and "default" may stand in a list too. Throws Error(usage) for an unknown name (with the nearest), a
// width that is not above 0, a name twice.
std::vector<Window> parse_windows(std::string_view text, WindowFamily family);

// The named windows of a family, in the order of "all".
std::vector<Window> known_windows(WindowFamily family);

}  // namespace pillar
