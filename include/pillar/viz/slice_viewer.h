// A scan as one self-contained HTML file: three orientations, a slider for each, window presets, values under
// the cursor.
#pragma once

#include "pillar/viz/display_window.h"

#include <array>
#include <cstdint>
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

// Values of a model's tokens that lie over the voxels, of either sign: red where they are above 0, blue
// below. The reader chooses between layers, and between scales.
struct TokenOverlay {
  struct Scale {
    std::string name;                        // "finest"
    std::array<std::int64_t, 3> tokens_dhw;  // its grid
    std::array<std::int64_t, 3> finest_dhw;  // how many of the first scale's tokens one of its covers
  };
  struct Place {
    std::array<std::int64_t, 3> voxel_dhw;  // which the crosshair moves to
    std::string text;
  };
  struct Layer {
    std::string name, about;               // any text
    std::vector<at::Tensor> of_scale_dhw;  // of each scale: what a voxel of each token has, on the CPU
    std::vector<Place> places;
  };
  // The first scale's token at voxel (d,h,w) is floor(first + d along[0] + h along[1] + w along[2]).
  std::array<double, 3> first_dhw = {0, 0, 0};
  std::array<std::array<double, 3>, 3> along_dhw = {};
  std::vector<Scale> scales;  // finest first
  std::vector<Layer> layers;  // not empty
  double opacity = 0.6;
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
  std::optional<TokenOverlay> tokens;  // not with `overlay`
};

// Voxels are embedded in 16 bits each, so that windowing in the page is live: integers that span at most
// 65536 values exactly, others rounded to 65536 equal steps (the page says so). Title and facts may hold any
// text. An overlay is kept in 255 steps of its maximum, tokens in 127 of each scale's largest value. The page
// loads nothing from anywhere and works from file://. voxels_dhw, spacing and errors as render_slice, and
// Error(usage) for options out of range; Error(input) for an overlay of another size, or with a value that is
// negative or not finite, and for tokens of other grids than their scales'.
std::string slice_viewer_html(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                              const SliceViewerOptions& options);
void write_slice_viewer(const std::filesystem::path& path, const at::Tensor& voxels_dhw,
                        const std::array<double, 3>& spacing_xyz_mm,
                        const SliceViewerOptions& options);  // atomic

}  // namespace pillar
