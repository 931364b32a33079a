// The loss of a detection head (DETR, arXiv 2005.12872, in three dimensions): which query answers for which
// box, and how far it is off. Boxes are cx,cy,cz,w,h,d along W, H and D, as parts of the volume in [0, 1].
#pragma once

#include "pillar/model/heads.h"
#include "pillar/train/losses.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// On the CPU.
struct DetectionTarget {
  at::Tensor labels_n;  // (n) int64 in [0, classes]; the last, `classes`, is "no object"
  at::Tensor boxes_n6;  // (n, 6) float32
};
// A sample each; none where nobody has looked, which is something else than a target of no boxes: such a
// sample says nothing.
using DetectionTargets = std::vector<std::optional<DetectionTarget>>;

// The box around all voxels of a mask (B, D, H, W) that are above 0, a sample each, none for an empty mask.
// Corners are the first and the last index, as in the public code: a finding on one slice has no depth. The
// public code's label is 1, which for one class means "no object"; its heads have learnt to say so.
DetectionTargets detection_targets(const at::Tensor& mask_bdhw, std::int64_t label = 0);

struct DetectionLossOptions {
  double class_cost = 1, l1_cost = 5, giou_cost = 2;        // of the matching
  double class_weight = 1, l1_weight = 5, giou_weight = 2;  // of the loss
  double no_object_weight = 0.1;                            // of the last class in the cross-entropy
  // The public loss takes boxes' corners for centre and size and makes corners of them once more before their
  // overlap. Heads trained with it answer other boxes; needed only to repeat its numbers.
  bool public_double_conversion = false;
};

// (n, 6) of cx,cy,cz,w,h,d to x0,y0,z0,x1,y1,z1.
at::Tensor box_corners(const at::Tensor& boxes_n6);
// Generalised intersection over union (arXiv 1902.09630) of each corner box with each other, (n, m) in [-1,
// 1]. Boxes of no volume have an overlap of 0.
at::Tensor generalized_iou(const at::Tensor& corners_n6, const at::Tensor& corners_m6);

// What it costs to let query q of sample b answer for each of `target`'s boxes: (B, queries, n) float32.
at::Tensor matching_cost(const DetectionOutput& output, const DetectionTarget& target,
                         const DetectionLossOptions& options = {});

struct DetectionMatch {
  std::vector<std::int64_t> queries, boxes;  // pairs, in the order of queries
};
// The assignment of least cost for each sample: each box has one query, each query at most one box (or the
// other way round where boxes are more). Throws Error(input) for targets that do not fit and costs that are
// not finite.
std::vector<DetectionMatch> match_boxes(const DetectionOutput& output, const DetectionTargets& targets,
                                        const DetectionLossOptions& options = {});

// How many boxes the samples have together.
std::int64_t box_count(const DetectionTargets& targets);

// total = class_weight * loss_ce + l1_weight * loss_bbox + giou_weight * loss_giou; the terms also have
// cardinality_error, the mean of how many more or fewer queries than boxes answer "object". Sums over boxes
// are divided by `boxes` (at least 1), which in a distributed run is the mean of box_count() over all
// processes: every process asks for it, with boxes or without, and then nothing here waits for another.
// Without any target the loss is a zero with a gradient of zeros. Throws as match_boxes().
LossWithTerms detection_loss(const DetectionOutput& output, const DetectionTargets& targets, double boxes,
                             const DetectionLossOptions& options = {});

}  // namespace pillar
