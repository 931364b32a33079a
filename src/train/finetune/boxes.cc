#include "pillar/core/fail.h"
#include "pillar/train/detection_loss.h"

#include <array>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

// Overlaps and unions below this are none; a voxel of a 4096^3 volume is larger.
constexpr double kLeastVolume = 1e-12;

// Product of the last axis' three lengths; negative ones count 0.
at::Tensor box_volume(const at::Tensor& lengths) {
  const at::Tensor sides = lengths.clamp_min(0);
  return sides.select(-1, 0) * sides.select(-1, 1) * sides.select(-1, 2);
}

at::Tensor low_corner(const at::Tensor& corners) {
  return corners.narrow(-1, 0, 3);
}
at::Tensor high_corner(const at::Tensor& corners) {
  return corners.narrow(-1, 3, 3);
}

std::optional<DetectionTarget> target_of(const at::Tensor& mask_dhw, std::int64_t label) {
  const at::Tensor marked = mask_dhw > 0;
  std::array<float, 6> box = {};
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    // Along W, H and D, the other way round than the mask's axes.
    const std::int64_t from = 2 - axis;
    const at::Tensor slices = marked.movedim(from, 0).flatten(1).any(1).nonzero().to(at::kCPU);
    if (slices.size(0) == 0) return std::nullopt;
    const auto length = static_cast<float>(mask_dhw.size(from));
    const auto first = slices[0].item<float>() / length, last = slices[-1].item<float>() / length;
    box[axis] = (first + last) / 2;
    box[axis + 3] = last - first;
  }
  return DetectionTarget{
      at::full({1}, label, mask_dhw.options().dtype(at::kLong)),
      at::tensor(at::ArrayRef<float>(box), mask_dhw.options().dtype(at::kFloat)).view({1, 6})};
}

}  // namespace

DetectionTargets detection_targets(const at::Tensor& mask_bdhw, std::int64_t label) {
  if (!mask_bdhw.defined() || mask_bdhw.dim() != 4)
    fail(ErrorCategory::input, "masks: a (B, D, H, W) is wanted");
  DetectionTargets targets;
  for (const at::Tensor& mask_dhw : mask_bdhw.unbind(0)) targets.push_back(target_of(mask_dhw, label));
  return targets;
}

at::Tensor box_corners(const at::Tensor& boxes_n6) {
  const at::Tensor centre = boxes_n6.narrow(-1, 0, 3), half = boxes_n6.narrow(-1, 3, 3) * 0.5;
  return at::cat({centre - half, centre + half}, -1);
}

at::Tensor generalized_iou(const at::Tensor& corners_n6, const at::Tensor& corners_m6) {
  const at::Tensor first = corners_n6.unsqueeze(1), second = corners_m6.unsqueeze(0);
  const auto volume = [](const at::Tensor& box) { return box_volume(high_corner(box) - low_corner(box)); };
  const at::Tensor shared = box_volume(at::minimum(high_corner(first), high_corner(second)) -
                                       at::maximum(low_corner(first), low_corner(second)));
  const at::Tensor together = volume(first) + volume(second) - shared;
  const at::Tensor around = box_volume(at::maximum(high_corner(first), high_corner(second)) -
                                       at::minimum(low_corner(first), low_corner(second)));
  return shared / together.clamp_min(kLeastVolume) - (around - together) / around.clamp_min(kLeastVolume);
}

}  // namespace pillar
