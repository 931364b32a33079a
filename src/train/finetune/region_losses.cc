#include "pillar/core/fail.h"
#include "pillar/train/losses.h"

#include "train/finetune/masked_mean.h"

#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/adaptive_avg_pool3d.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/upsample_trilinear3d.h>
#include <ATen/ops/where.h>
#include <ATen/ops/xlogy.h>
#include <ATen/ops/zeros_like.h>

namespace pillar {
namespace {

// `tensor` by its sum over the last axis, which stays; all-zero rows stay zero.
at::Tensor shares(const at::Tensor& tensor) {
  const at::Tensor sums = tensor.sum({-1}, true);
  return tensor / at::where(sums == 0, at::ones_like(sums), sums);
}

// Sum over all rows of the last axis of KL(gold || exp(log_attention)), by the number of rows with any gold.
at::Tensor divergence(const at::Tensor& gold, const at::Tensor& log_attention) {
  const at::Tensor pointed = gold > 0;
  // Positions without gold may have an attention of 0, whose logarithm would make a NaN of the product.
  const at::Tensor compared = at::where(pointed, log_attention, at::zeros_like(log_attention));
  const at::Tensor rows = pointed.any(-1).sum().clamp_min(1);
  return (at::xlogy(gold, gold) - gold * compared).sum() / rows;
}

void check_annotations(const RegionAnnotations& annotations, std::int64_t batch) {
  const at::Tensor& image = annotations.image_annotations_b1dhw;
  if (!image.defined() || image.dim() != 5 || image.size(0) != batch || image.size(1) != 1)
    fail(ErrorCategory::input, "annotations: a (B, 1, D, H, W) of {} samples is wanted", batch);
  check_shape(annotations.has_annotation_b, {batch}, "annotated samples");
}

// Which half of the last axis a cancer is in. Radiology's view: the patient's right is the first half.
struct Sides {
  at::Tensor is_left_b;    // (B) int64
  at::Tensor one_sided_b;  // (B) float32: 1 for right or left, 0 for both, none or elsewhere
};

Sides sides_of(const at::Tensor& laterality_b3) {
  const at::Tensor right = laterality_b3.select(1, 0) == 1, left = laterality_b3.select(1, 1) == 1;
  return {left.to(at::kLong), right.logical_xor(left).to(at::kFloat)};
}

// (B, T, 2): the attention on either half of the last axis, of each plane.
at::Tensor side_attention(const at::Tensor& image_attention, at::IntArrayRef map_tyx) {
  const std::int64_t width = map_tyx[2], half = width / 2;
  const at::Tensor planes =
      image_attention.exp().view({image_attention.size(0), map_tyx[0], map_tyx[1], width});
  return at::stack({planes.narrow(3, 0, half).sum({2, 3}), planes.narrow(3, half, width - half).sum({2, 3})},
                   -1);
}

// Cross-entropy of scores (B, n, 2) with each sample's side, mean over the one-sided samples and n. The
// scores are probabilities, taken for logits as in the public code.
at::Tensor side_loss(const at::Tensor& scores_bn2, const Sides& sides) {
  const std::int64_t batch = scores_bn2.size(0), count = scores_bn2.size(1);
  const at::Tensor truth = sides.is_left_b.unsqueeze(1).expand({batch, count});
  const at::Tensor entropies =
      at::cross_entropy_loss(scores_bn2.reshape({-1, 2}), truth.reshape({-1}), {}, at::Reduction::None);
  return weighted_mean(entropies.view({batch, count}), sides.one_sided_b.unsqueeze(1).expand({batch, count}));
}

at::Tensor plane_gold(const RegionAnnotations& annotations, at::IntArrayRef map_tyx) {
  const at::Tensor resized =
      at::adaptive_avg_pool3d(annotations.image_annotations_b1dhw.to(at::kFloat), map_tyx);
  const at::Tensor annotated = annotations.has_annotation_b.to(at::kFloat).view({-1, 1, 1});
  return shares(resized.flatten(3).squeeze(1) * annotated);
}

at::Tensor depth_gold(const RegionAnnotations& annotations, std::int64_t planes) {
  at::Tensor areas = annotations.annotation_areas_bd.to(at::kFloat);
  if (areas.size(1) != planes)
    areas = at::upsample_linear1d(areas.unsqueeze(1), {planes}, /*align_corners=*/true).squeeze(1);
  return shares(areas * annotations.has_annotation_b.to(at::kFloat).unsqueeze(1));
}

}  // namespace

RegionAnnotations region_annotations(const at::Tensor& mask_bdhw, const at::Tensor& laterality_b3) {
  if (!mask_bdhw.defined() || mask_bdhw.dim() != 4 || mask_bdhw.numel() == 0)
    fail(ErrorCategory::input, "masks: a (B, D, H, W) is wanted");
  check_shape(laterality_b3, {mask_bdhw.size(0), 3}, "laterality");
  const at::Tensor mask = mask_bdhw.to(at::kFloat);
  const at::Tensor areas = mask.sum({2, 3});
  const at::Tensor divisors = at::where(areas == 0, at::ones_like(areas), areas);
  const auto pixels = static_cast<double>(mask.size(2) * mask.size(3));
  return {(mask / divisors.unsqueeze(-1).unsqueeze(-1)).unsqueeze(1), areas / pixels,
          (mask > 0).flatten(1).any(1), laterality_b3};
}

LossWithTerms sybil_region_loss(const PoolOutput& pool, at::IntArrayRef map_tyx,
                                const RegionAnnotations& annotations, const SybilRegionOptions& options) {
  if (map_tyx.size() != 3) fail(ErrorCategory::input, "the pooled map's size has {} axes", map_tyx.size());
  if (map_tyx[2] < 2) fail(ErrorCategory::input, "a map of width {} has no halves", map_tyx[2]);
  if (!pool.volume_attention_1.defined())
    fail(ErrorCategory::usage, "the region loss wants the attentions of attention pooling");
  const std::int64_t batch = pool.volume_attention_1.size(0), planes = map_tyx[0];
  check_shape(pool.image_attention_1, {batch, planes, map_tyx[1] * map_tyx[2]}, "attention in planes");
  check_shape(pool.volume_attention_1, {batch, planes}, "attention over planes");
  check_shape(pool.volume_attention_2, {batch, planes}, "second attention over planes");
  check_annotations(annotations, batch);
  const at::Tensor& areas = annotations.annotation_areas_bd;
  check_shape(areas, {batch, annotations.image_annotations_b1dhw.size(2)}, "annotated areas");
  check_shape(annotations.laterality_b3, {batch, 3}, "laterality");

  const at::Tensor in_planes = pool.image_attention_1.to(at::kFloat);
  const at::Tensor over_planes = pool.volume_attention_1.to(at::kFloat);
  const Sides sides = sides_of(annotations.laterality_b3);
  const at::Tensor side_btz = side_attention(in_planes, map_tyx);
  const at::Tensor image = divergence(plane_gold(annotations, map_tyx), in_planes);
  const at::Tensor image_side = side_loss(side_btz, sides);
  const at::Tensor by_depth = depth_gold(annotations, planes);
  const at::Tensor volume_1 = divergence(by_depth, over_planes);
  const at::Tensor volume_side =
      side_loss((side_btz * over_planes.exp().unsqueeze(-1)).sum({1}, true), sides);
  const at::Tensor volume_2 = divergence(by_depth, pool.volume_attention_2.to(at::kFloat));
  return {options.lambda_image * (image + image_side) +
              options.lambda_volume * (volume_1 + volume_side + volume_2),
          {{"image_attention_loss_1", image},
           {"image_side_attention_loss_1", image_side},
           {"volume_attention_loss_1", volume_1},
           {"volume_side_attention_loss_1", volume_side},
           {"volume_attention_loss_2", volume_2}}};
}

at::Tensor region_annotation_loss(const at::Tensor& attention_b1tyx, const RegionAnnotations& annotations) {
  constexpr double kLeastAttention = 1e-6;
  if (!attention_b1tyx.defined() || attention_b1tyx.dim() != 5 || attention_b1tyx.size(1) != 1)
    fail(ErrorCategory::input, "the region loss wants one attention map a sample, (B, 1, T, Y, X)");
  check_annotations(annotations, attention_b1tyx.size(0));
  const at::Tensor region =
      at::upsample_trilinear3d(annotations.image_annotations_b1dhw.to(at::kFloat),
                               attention_b1tyx.sizes().slice(2), /*align_corners=*/false);
  const at::Tensor within = (attention_b1tyx.to(at::kFloat) * region).flatten(1).sum(1);
  return weighted_mean(-within.clamp_min(kLeastAttention).log(), annotations.has_annotation_b.to(at::kFloat));
}

}  // namespace pillar
