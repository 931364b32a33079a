#include "pillar/viz/hang.h"

#include <cmath>

#include <ATen/ops/flip.h>

namespace pillar {

TurnedAxes turned_axes(const Geometry& geometry) {
  return {geometry.direction[4] < 0, geometry.direction[0] < 0};
}

SliceViewerOptions hang(Volume& volume, bool geometry_known) {
  std::string turned;
  const auto flip = [&](int axis_dhw, const char* name) {
    volume.voxels_dhw = at::flip(volume.voxels_dhw, axis_dhw);
    turned += (turned.empty() ? "" : ", ") + std::string(name);
  };
  const TurnedAxes turns = turned_axes(volume.geometry);
  if (turns.columns) flip(2, "columns");
  if (turns.rows) flip(1, "rows");
  SliceViewerOptions options;
  if (!turned.empty()) options.facts.emplace_back("shown reversed", turned);
  options.value_unit = volume.modality == Modality::ct ? "HU" : "";
  options.slices_ascend = volume.geometry.axis(2)[2] >= 0;
  // Within 45 degrees of the patient's axes: then sides can be named.
  const auto& direction = volume.geometry.direction;
  const auto along = [&](int i) { return std::abs(direction[i]) > 0.7; };
  options.lps_axial = geometry_known && along(0) && along(4) && along(8);
  return options;
}

}  // namespace pillar
