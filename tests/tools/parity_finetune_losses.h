// The losses of a golden, on what its heads gave.
#pragma once

#include "pillar/core/config.h"
#include "pillar/core/safetensors.h"
#include "pillar/model/heads.h"
#include "pillar/train/losses.h"

#include <optional>

#include <ATen/core/Tensor.h>

namespace pillar::test {

// in.* of a golden for some of its samples, in the order in which they are named.
struct LossInputs {
  at::Tensor y_seq, y_mask, masks_bdhw;
  RegionAnnotations annotations;
};
LossInputs loss_inputs(const SafetensorsFile& golden);
LossInputs sample_of(const LossInputs& inputs, std::int64_t sample);

// The public detection loss: label 1, boxes' corners twice.
LossWithTerms public_detection_loss(const DetectionOutput& output, const at::Tensor& masks_bdhw,
                                    const at::Tensor& has_annotation_b);

LossWithTerms public_region_loss(const PoolOutput& pool, const LossInputs& inputs,
                                 const SybilRegionOptions& options = {});

}  // namespace pillar::test
