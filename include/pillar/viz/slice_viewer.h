// A scan as one self-contained HTML file: three orientations, a slider for each, window presets, values under
// the cursor.
#pragma once

#include "pillar/viz/display_window.h"

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Values that lie over the voxels, such as where a model looked: yellow for little and red for most of them.
struct SliceOverlay {
  at::Tensor values_dhw;  // of the volume's size, on the CPU, none below 0
  std::string name;       // "attention"
  double opacity = 0.6;   // where they are largest; the page has a slider for it
};

struct SliceViewerOptions {
  std::string title;
  DisplayWindow window;  // the one shown first
  std::vector<std::pair<std::string, std::string>>
      facts;                      // rows of the table under the pictures (name, value)
  std::string value_unit = "HU";  // "HU" brings the CT window presets
  bool slices_ascend = true;      // slice indices rise towards the head
  // Columns run to the patient's left and rows to the back (an axial scan in LPS order). Only then are the
  // planes called axial, coronal and sagittal, and sides marked R, L, A, P, S, I.
  bool lps_axial = false;
  int longest_side = 256;  // voxels kept along each axis, 8 to 512; larger ones are thinned
  std::optional<SliceOverlay> overlay;
};

// Voxels are embedded in 16 bits each, so that windowing in the page is live: integers that span at most
// 65536 values exactly, others rounded to 65536 equal steps (the page says so). Title and facts may hold any
// text. An overlay is kept in 255 steps of its maximum. The page loads nothing from anywhere and works from
// file://. voxels_dhw, spacing and errors as render_slice, and Error(usage) for options out of range;
// Error(input) for an overlay of another size, or with a value that is negative or not finite.
std::string slice_viewer_html(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                              const SliceViewerOptions& options);
void write_slice_viewer(const std::filesystem::path& path, const at::Tensor& voxels_dhw,
                        const std::array<double, 3>& spacing_xyz_mm,
                        const SliceViewerOptions& options);  // atomic

}  // namespace pillar
