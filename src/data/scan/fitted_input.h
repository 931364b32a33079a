// Internal: model_input() in two halves, so that a loader can have the voxels written to where they belong in
// a batch.
#pragma once

#include "pillar/data/placement.h"
#include "pillar/data/scan.h"
#include "pillar/model/preprocess_spec.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct FittedInput {
  at::ScalarType dtype;
  // The whole of (D,H,W), contiguous, in one pass. Throws Error(input) for a NaN.
  std::function<void(void* out_dhw)> write;
  Placement placement = {};
};

FittedInput fit_input(const Scan& scan, const PreprocessSpec& spec, Notes& notes,
                      std::optional<double> depth_crop);

// A mask of the scan's volume (D,H,W), uint8 and contiguous, to where `placement` puts its voxels; 0 in
// padding.
void write_mask(const at::Tensor& mask_dhw, const Placement& placement, std::uint8_t* out_dhw);

// Throws Error(input) naming the scan where the spec's tower takes the other modality.
void check_modality(const std::string& name, Modality modality, const PreprocessSpec& spec);

}  // namespace pillar
