// Internal: what of a scan is not as the model expects it, in words.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/image/body_axes.h"
#include "pillar/model/preprocess_spec.h"

#include <array>
#include <string>

namespace pillar {

// The order in which the model takes axes that lie in the patient as `geometry` says.
AxisOrder model_axis_order(const Geometry& geometry, const PreprocessSpec& spec);

// Voxels of a sample, whose axes go to the model in this order, against those that the model expects: a line
// where one is more than 5 % off. Returns whether there is one.
bool note_spacing(const std::string& name, const std::array<double, 3>& spacing_xyz_mm,
                  const AxisOrder& order, const PreprocessSpec& spec, Notes& notes);

// What is made of axes that are stored along `geometry`: nothing where the spec does not say how they run.
void note_axes(const std::string& name, const Geometry& geometry, const PreprocessSpec& spec, Notes& notes);

}  // namespace pillar
