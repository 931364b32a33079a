#include "tools/parity_finetune_losses.h"

#include "pillar/train/detection_loss.h"

#include <array>

namespace pillar::test {

LossInputs loss_inputs(const SafetensorsFile& golden) {
  LossInputs inputs;
  inputs.y_seq = golden.tensor("in.y_seq");
  inputs.y_mask = golden.tensor("in.y_mask");
  inputs.annotations = {golden.tensor("in.image_annotations"), golden.tensor("in.annotation_areas"),
                        golden.tensor("in.has_annotation").to(at::kBool),
                        golden.tensor("in.cancer_laterality")};
  // Where a golden has no mask of its own, its annotations are above 0 where the mask is.
  const at::Tensor mask = golden.entries().count("in.mask") != 0 ? golden.tensor("in.mask")
                                                                 : golden.tensor("in.image_annotations");
  inputs.masks_bdhw = mask.squeeze(1);
  return inputs;
}

LossInputs sample_of(const LossInputs& inputs, std::int64_t sample) {
  const auto own = [sample](const at::Tensor& all) { return all.narrow(0, sample, 1); };
  const RegionAnnotations& regions = inputs.annotations;
  return {own(inputs.y_seq),
          own(inputs.y_mask),
          own(inputs.masks_bdhw),
          {own(regions.image_annotations_b1dhw), own(regions.annotation_areas_bd),
           own(regions.has_annotation_b), own(regions.laterality_b3)}};
}

LossWithTerms public_detection_loss(const DetectionOutput& output, const at::Tensor& masks_bdhw,
                                    const at::Tensor& has_annotation_b) {
  DetectionTargets targets = detection_targets(masks_bdhw, /*label=*/1);
  for (std::size_t b = 0; b < targets.size(); ++b) {
    if (!has_annotation_b[static_cast<std::int64_t>(b)].item<bool>()) targets[b].reset();
  }
  DetectionLossOptions options;
  options.public_double_conversion = true;
  return detection_loss(output, targets, static_cast<double>(box_count(targets)), options);
}

LossWithTerms public_region_loss(const PoolOutput& pool, const LossInputs& inputs,
                                 const SybilRegionOptions& options) {
  const at::Tensor& attention = pool.image_attention_softmax_1;
  const std::array<std::int64_t, 3> map_tyx = {attention.size(1), attention.size(3), attention.size(4)};
  return sybil_region_loss(pool, map_tyx, inputs.annotations, options);
}

}  // namespace pillar::test
