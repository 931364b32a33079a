// A scan as a viewer hangs it, whichever program shows it.
#pragma once

#include "pillar/image/volume.h"
#include "pillar/viz/slice_viewer.h"

namespace pillar {

// Whether rows (H) and columns (W) have to be turned round for that.
struct TurnedAxes {
  bool rows = false, columns = false;
};
TurnedAxes turned_axes(const Geometry& geometry);

// Turns rows and columns so that the patient's right is on the left and front on top; a row of the facts says
// what was turned. `geometry_known`: the volume's geometry says where it lies in the patient, so that sides
// can be named. The window is left to the caller.
SliceViewerOptions hang(Volume& volume, bool geometry_known);

}  // namespace pillar
