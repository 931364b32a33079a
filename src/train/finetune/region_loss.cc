// Losses that tell attention where to look (pillar/train/losses.h).
#include "pillar/core/fail.h"
#include "pillar/train/losses.h"

#include "core/shared/joined.h"

#include <array>

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/adaptive_avg_pool3d.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/log.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/upsample_trilinear3d.h>
#include <ATen/ops/where.h>
#include <ATen/ops/xlogy.h>

namespace pillar {
namespace {

// Each row by its sum; rows of zeros stay.
at::Tensor normalized_rows(const at::Tensor& values) {
  const at::Tensor sum = values.sum(-1, true);
  return values / at::where(sum > 0, sum, 1.0);
}

// Sum of gold * log(gold / attention) over all places where gold is above 0.
at::Tensor divergence(const at::Tensor& gold, const at::Tensor& log_attention) {
  return (at::xlogy(gold, gold) - at::where(gold > 0, gold * log_attention, 0.0)).sum();
}

at::Tensor at_least_one(const at::Tensor& count) {
  return count.to(at::kFloat).clamp_min(1);
}

// The attention on the first and the second half of the last axis, (B, T, 2).
at::Tensor half_masses(const at::Tensor& log_attention_btp, at::IntArrayRef map_tyx) {
  const at::Tensor attention =
      at::exp(log_attention_btp).view({log_attention_btp.size(0), map_tyx[0], map_tyx[1], map_tyx[2]});
  const std::int64_t half = map_tyx[2] / 2;
  return at::stack(
      {attention.narrow(3, 0, half).sum({2, 3}), attention.narrow(3, half, map_tyx[2] - half).sum({2, 3})},
      -1);
}

// Which half a cancer on one known side lies in, and whether there is such a cancer.
struct Sides {
  at::Tensor half_b, one_sided_b;  // int64, float32
};
Sides sides_of(const RegionAnnotations& annotations) {
  const at::Tensor laterality = annotations.laterality_b3.to(at::kFloat);
  return {laterality.select(1, 1).to(at::kLong), (laterality.narrow(1, 0, 2).sum(1) == 1).to(at::kFloat)};
}

at::Tensor image_part(const PoolOutput& pool, at::IntArrayRef map_tyx, const RegionAnnotations& annotations) {
  const at::Tensor annotated = annotations.has_annotation_b.to(at::kFloat).view({-1, 1, 1});
  const at::Tensor areas =
      at::adaptive_avg_pool3d(annotations.image_annotations_b1dhw.to(at::kFloat), map_tyx);
  const at::Tensor gold = normalized_rows(areas.flatten(2).view({areas.size(0), map_tyx[0], -1}) * annotated);
  const at::Tensor planes = (gold.sum(-1) > 0).sum();
  return divergence(gold, pool.image_attention_1.to(at::kFloat)) / at_least_one(planes);
}

at::Tensor image_side_part(const at::Tensor& masses_bt2, const Sides& sides) {
  const std::int64_t planes = masses_bt2.size(1);
  const at::Tensor halves = sides.half_b.unsqueeze(1).expand({-1, planes}).contiguous();
  const at::Tensor entropy =
      at::cross_entropy_loss(masses_bt2.transpose(1, 2).contiguous(), halves, {}, at::Reduction::None);
  return (entropy * sides.one_sided_b.unsqueeze(1)).sum() / at_least_one(sides.one_sided_b.sum() * planes);
}

at::Tensor volume_part(const at::Tensor& log_attention_bt, const RegionAnnotations& annotations) {
  const at::Tensor annotated = annotations.has_annotation_b.to(at::kFloat);
  at::Tensor areas = annotations.annotation_areas_bd.to(at::kFloat);
  const std::int64_t planes = log_attention_bt.size(1);
  if (areas.size(1) != planes)
    areas = at::upsample_linear1d(areas.unsqueeze(1), {planes}, /*align_corners=*/true).squeeze(1);
  const at::Tensor gold = normalized_rows(areas * annotated.unsqueeze(1));
  return divergence(gold, log_attention_bt.to(at::kFloat)) / at_least_one(annotated.sum());
}

at::Tensor volume_side_part(const PoolOutput& pool, const at::Tensor& masses_bt2, const Sides& sides) {
  const at::Tensor weights = at::exp(pool.volume_attention_1.to(at::kFloat)).unsqueeze(-1);
  const at::Tensor entropy =
      at::cross_entropy_loss((masses_bt2 * weights).sum(1), sides.half_b, {}, at::Reduction::None);
  return (entropy * sides.one_sided_b).sum() / at_least_one(sides.one_sided_b.sum());
}

void require_batch(std::int64_t samples, const RegionAnnotations& annotations) {
  const bool fits =
      annotations.image_annotations_b1dhw.dim() == 5 &&
      annotations.image_annotations_b1dhw.size(0) == samples && annotations.annotation_areas_bd.dim() == 2 &&
      annotations.annotation_areas_bd.size(0) == samples && annotations.has_annotation_b.numel() == samples &&
      annotations.laterality_b3.numel() == 3 * samples;
  if (!fits) {
    fail(ErrorCategory::input, "annotations of ({}) and areas of ({}) for a batch of {}",
         joined(annotations.image_annotations_b1dhw.sizes(), ", "),
         joined(annotations.annotation_areas_bd.sizes(), ", "), samples);
  }
}

}  // namespace

RegionAnnotations region_annotations(const at::Tensor& mask_bdhw, const at::Tensor& laterality_b3) {
  if (mask_bdhw.dim() != 4 || laterality_b3.dim() != 2 || laterality_b3.size(0) != mask_bdhw.size(0) ||
      laterality_b3.size(1) != 3) {
    fail(ErrorCategory::input, "masks of ({}) with lateralities of ({}): they are (B, D, H, W) and (B, 3)",
         joined(mask_bdhw.sizes(), ", "), joined(laterality_b3.sizes(), ", "));
  }
  const at::Tensor mask = (mask_bdhw > 0).to(at::kFloat);
  const at::Tensor area = mask.sum({2, 3}, true);
  RegionAnnotations annotations;
  annotations.image_annotations_b1dhw = (mask / area.clamp_min(1)).unsqueeze(1);
  annotations.annotation_areas_bd =
      area.flatten(1) / static_cast<double>(mask_bdhw.size(2) * mask_bdhw.size(3));
  annotations.has_annotation_b = area.flatten(1).sum(1) > 0;
  annotations.laterality_b3 = laterality_b3;
  return annotations;
}

LossWithTerms sybil_region_loss(const PoolOutput& pool, at::IntArrayRef map_tyx,
                                const RegionAnnotations& annotations, const SybilRegionOptions& options) {
  require_batch(pool.image_attention_1.size(0), annotations);
  if (map_tyx.size() != 3 || pool.image_attention_1.size(1) != map_tyx[0] ||
      pool.image_attention_1.size(2) != map_tyx[1] * map_tyx[2]) {
    fail(ErrorCategory::input, "attention of ({}) is not that of a map of ({})",
         joined(pool.image_attention_1.sizes(), ", "), joined(map_tyx, ", "));
  }
  const at::Tensor masses = half_masses(pool.image_attention_1.to(at::kFloat), map_tyx);
  const Sides sides = sides_of(annotations);
  LossWithTerms loss;
  loss.terms = {{"image_attention_loss_1", image_part(pool, map_tyx, annotations)},
                {"image_side_attention_loss_1", image_side_part(masses, sides)},
                {"volume_attention_loss_1", volume_part(pool.volume_attention_1, annotations)},
                {"volume_side_attention_loss_1", volume_side_part(pool, masses, sides)},
                {"volume_attention_loss_2", volume_part(pool.volume_attention_2, annotations)}};
  loss.total = (loss.terms[0].second + loss.terms[1].second) * options.lambda_image +
               (loss.terms[2].second + loss.terms[3].second + loss.terms[4].second) * options.lambda_volume;
  return loss;
}

at::Tensor region_annotation_loss(const at::Tensor& attention_b1tyx, const RegionAnnotations& annotations) {
  require_batch(attention_b1tyx.size(0), annotations);
  const at::Tensor attention = attention_b1tyx.to(at::kFloat);
  const at::Tensor weights = at::upsample_trilinear3d(annotations.image_annotations_b1dhw.to(at::kFloat),
                                                      attention.sizes().slice(2), /*align_corners=*/false);
  const at::Tensor mass = (attention * weights).flatten(1).sum(1);
  constexpr double kSmallest = 1e-6;
  const at::Tensor annotated = annotations.has_annotation_b.to(at::kFloat);
  return -(at::log(mass.clamp_min(kSmallest)) * annotated).sum() / at_least_one(annotated.sum());
}

}  // namespace pillar
