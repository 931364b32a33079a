#include "pillar/train/detection_loss.h"

#include "pillar/core/fail.h"

#include "core/shared/joined.h"
#include "device/shared/cuda_tensor.h"
#include "train/finetune/assignment.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

// Whether a sample has a voxel inside at each place along D, then along H and along W: (B, D + H + W), on the
// CPU, which waits for them all at once.
at::Tensor places_inside(const at::Tensor& mask_bdhw) {
  const at::Tensor inside = mask_bdhw > 0, rows = inside.any(3);
  return at::cat({rows.any(2), rows.any(1), inside.any(2).any(1)}, 1).cpu();
}

// None where nothing is inside.
std::optional<DetectionTarget> target_of(std::span<const bool> places, at::IntArrayRef size_dhw,
                                         std::int64_t label) {
  double middle[3], size[3];
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::span own = places.first(static_cast<std::size_t>(size_dhw[axis]));
    places = places.subspan(own.size());
    const auto begin = std::find(own.begin(), own.end(), true);
    if (begin == own.end()) return std::nullopt;
    const auto end = std::find(own.rbegin(), own.rend(), true).base();
    const auto first = static_cast<double>(begin - own.begin()),
               last = static_cast<double>(end - own.begin() - 1);
    const auto voxels = static_cast<double>(size_dhw[axis]);
    middle[axis] = (first + last) / 2 / voxels;
    size[axis] = (last - first) / voxels;
  }
  DetectionTarget target;
  target.labels_n = at::tensor({label}, at::kLong);
  target.boxes_n6 = at::tensor({middle[2], middle[1], middle[0], size[2], size[1], size[0]}, at::kDouble)
                        .to(at::kFloat)
                        .unsqueeze(0);
  return target;
}

void check_output(const DetectionOutput& output, const DetectionTargets& targets) {
  const at::Tensor &logits = output.pred_logits, &boxes = output.pred_boxes;
  const bool fits = logits.dim() == 3 && boxes.dim() == 3 && boxes.size(2) == 6 &&
                    boxes.size(0) == logits.size(0) && boxes.size(1) == logits.size(1) && logits.size(2) >= 2;
  if (!fits) {
    fail(ErrorCategory::input,
         "detections of ({}) and boxes of ({}): they are (B, queries, classes + 1) and (B, queries, 6)",
         joined(logits.sizes(), ", "), joined(boxes.sizes(), ", "));
  }
  if (static_cast<std::int64_t>(targets.size()) != logits.size(0))
    fail(ErrorCategory::input, "{} detection targets for a batch of {}", targets.size(), logits.size(0));
}

void check_target(const DetectionTarget& target, std::int64_t classes) {
  const bool fits = target.labels_n.dim() == 1 && target.boxes_n6.dim() == 2 &&
                    target.boxes_n6.size(1) == 6 && target.boxes_n6.size(0) == target.labels_n.size(0);
  if (!fits) {
    fail(ErrorCategory::input, "labels of ({}) with boxes of ({})", joined(target.labels_n.sizes(), ", "),
         joined(target.boxes_n6.sizes(), ", "));
  }
  if (target.labels_n.numel() == 0) return;
  if (!((target.labels_n >= 0).logical_and(target.labels_n <= classes)).all().item<bool>())
    fail(ErrorCategory::input, "a box's label outside of 0 to {}", classes);
  if (!target.boxes_n6.isfinite().all().item<bool>()) fail(ErrorCategory::input, "a box that is not finite");
}

// Pairs of one sample; rows of the cost are queries.
DetectionMatch match_sample(const at::Tensor& cost_qn) {
  const std::int64_t queries = cost_qn.size(0), boxes = cost_qn.size(1);
  const bool by_query = queries <= boxes;
  const at::Tensor cost = (by_query ? cost_qn : cost_qn.t()).to(at::kCPU, at::kDouble).contiguous();
  const auto count = static_cast<std::size_t>(cost.numel());
  const std::vector<std::int64_t> other =
      assign_columns({cost.const_data_ptr<double>(), count}, cost.size(0), cost.size(1));
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
  for (std::size_t i = 0; i < other.size(); ++i) {
    const auto own = static_cast<std::int64_t>(i);
    pairs.emplace_back(by_query ? own : other[i], by_query ? other[i] : own);
  }
  std::sort(pairs.begin(), pairs.end());
  DetectionMatch match;
  for (const auto& [query, box] : pairs) {
    match.queries.push_back(query);
    match.boxes.push_back(box);
  }
  return match;
}

// (..., 3) edges. Tensor::prod() would make its gradient wait for the device, to ask for zeros.
at::Tensor product_of_edges(const at::Tensor& edges) {
  return edges.select(-1, 0) * edges.select(-1, 1) * edges.select(-1, 2);
}

at::Tensor volume_of(const at::Tensor& corners_n6) {
  return product_of_edges(corners_n6.narrow(1, 3, 3) - corners_n6.narrow(1, 0, 3));
}

// What the matched pairs and the classes of all queries of the samples with a target say.
struct MatchedPairs {
  at::Tensor boxes_m6, targets_m6;       // of each pair
  at::Tensor logits_sqk, classes_sq;     // of the samples that have a target
  std::vector<std::int64_t> box_counts;  // of each of them
};

MatchedPairs gather_pairs(const DetectionOutput& output, const DetectionTargets& targets,
                          const std::vector<DetectionMatch>& matches) {
  const std::int64_t classes = output.pred_logits.size(2) - 1;
  const at::Device device = output.pred_boxes.device();
  std::vector<at::Tensor> boxes, wanted, logits, labels;
  MatchedPairs pairs;
  for (std::size_t b = 0; b < targets.size(); ++b) {
    if (!targets[b]) continue;
    const auto sample = static_cast<std::int64_t>(b);
    const at::Tensor queries = at::tensor(matches[b].queries, at::kLong),
                     own = at::tensor(matches[b].boxes, at::kLong);
    boxes.push_back(output.pred_boxes[sample].index_select(0, queued_to(queries, device)));
    wanted.push_back(queued_to(targets[b]->boxes_n6.to(at::kFloat).index_select(0, own), device));
    logits.push_back(output.pred_logits[sample]);
    at::Tensor label = at::full({output.pred_logits.size(1)}, classes, at::kLong);
    label.index_copy_(0, queries, targets[b]->labels_n.to(at::kLong).index_select(0, own));
    labels.push_back(queued_to(label, device));
    pairs.box_counts.push_back(targets[b]->boxes_n6.size(0));
  }
  pairs.boxes_m6 = at::cat(boxes).to(at::kFloat);
  pairs.targets_m6 = at::cat(wanted);
  pairs.logits_sqk = at::stack(logits).to(at::kFloat);
  pairs.classes_sq = at::stack(labels);
  return pairs;
}

at::Tensor cardinality_error(const MatchedPairs& pairs) {
  const std::int64_t last = pairs.logits_sqk.size(2) - 1;
  const at::Tensor answers = (pairs.logits_sqk.detach().argmax(-1) != last).sum(1).to(at::kFloat);
  const at::Tensor boxes =
      queued_to(at::tensor(pairs.box_counts, at::kLong).to(at::kFloat), answers.device());
  return (answers - boxes).abs().mean();
}

at::Tensor class_loss(const MatchedPairs& pairs, double no_object_weight) {
  at::Tensor weights = at::ones({pairs.logits_sqk.size(2)}, pairs.logits_sqk.options().requires_grad(false));
  weights[-1].fill_(no_object_weight);
  return at::cross_entropy_loss(pairs.logits_sqk.transpose(1, 2).contiguous(), pairs.classes_sq, weights,
                                at::Reduction::Mean);
}

}  // namespace

DetectionTargets detection_targets(const at::Tensor& mask_bdhw, std::int64_t label) {
  if (mask_bdhw.dim() != 4)
    fail(ErrorCategory::input, "masks of ({}): they are (B, D, H, W)", joined(mask_bdhw.sizes(), ", "));
  const at::Tensor places = places_inside(mask_bdhw);
  const std::span all(places.const_data_ptr<bool>(), static_cast<std::size_t>(places.numel()));
  const auto width = static_cast<std::size_t>(places.size(1));
  DetectionTargets targets;
  for (std::size_t b = 0; b < static_cast<std::size_t>(places.size(0)); ++b)
    targets.push_back(target_of(all.subspan(b * width, width), mask_bdhw.sizes().slice(1), label));
  return targets;
}

at::Tensor box_corners(const at::Tensor& boxes_n6) {
  const at::Tensor middle = boxes_n6.narrow(1, 0, 3), half = boxes_n6.narrow(1, 3, 3) * 0.5;
  return at::cat({middle - half, middle + half}, 1);
}

at::Tensor generalized_iou(const at::Tensor& corners_n6, const at::Tensor& corners_m6) {
  const at::Tensor first_n = corners_n6.narrow(1, 0, 3).unsqueeze(1),
                   end_n = corners_n6.narrow(1, 3, 3).unsqueeze(1);
  const at::Tensor first_m = corners_m6.narrow(1, 0, 3).unsqueeze(0),
                   end_m = corners_m6.narrow(1, 3, 3).unsqueeze(0);
  const at::Tensor common =
      product_of_edges((at::minimum(end_n, end_m) - at::maximum(first_n, first_m)).clamp_min(0));
  const at::Tensor hull =
      product_of_edges((at::maximum(end_n, end_m) - at::minimum(first_n, first_m)).clamp_min(0));
  const at::Tensor together =
      volume_of(corners_n6).unsqueeze(1) + volume_of(corners_m6).unsqueeze(0) - common;
  const auto part_of = [](const at::Tensor& part, const at::Tensor& whole) {
    return at::where(whole > 0, part / at::where(whole > 0, whole, 1.0), 0.0);
  };
  return part_of(common, together) - part_of(hull - together, hull);
}

at::Tensor matching_cost(const DetectionOutput& output, const DetectionTarget& target,
                         const DetectionLossOptions& options) {
  const at::NoGradGuard no_gradients;
  const std::int64_t batch = output.pred_boxes.size(0), queries = output.pred_boxes.size(1);
  const std::int64_t count = target.boxes_n6.size(0);
  const at::Tensor boxes = output.pred_boxes.detach().to(at::kFloat).flatten(0, 1);
  const at::Tensor wanted = target.boxes_n6.to(boxes.device(), at::kFloat);
  const at::Tensor chance = at::softmax(output.pred_logits.detach().to(at::kFloat), -1)
                                .flatten(0, 1)
                                .index_select(1, target.labels_n.to(boxes.device()));
  const at::Tensor distance = (boxes.unsqueeze(1) - wanted.unsqueeze(0)).abs().sum(2);
  const at::Tensor overlap = generalized_iou(box_corners(boxes), box_corners(wanted));
  return (distance * options.l1_cost - chance * options.class_cost - overlap * options.giou_cost)
      .view({batch, queries, count});
}

std::vector<DetectionMatch> match_boxes(const DetectionOutput& output, const DetectionTargets& targets,
                                        const DetectionLossOptions& options) {
  check_output(output, targets);
  // Few numbers, which the CPU works on: it waits for them here, once for all samples.
  const at::Tensor all =
      at::cat({output.pred_logits.detach().to(at::kFloat), output.pred_boxes.detach().to(at::kFloat)}, 2)
          .cpu();
  const std::int64_t outputs = output.pred_logits.size(2);
  const at::Tensor logits = all.narrow(2, 0, outputs), boxes = all.narrow(2, outputs, 6);
  std::vector<DetectionMatch> matches(targets.size());
  for (std::size_t b = 0; b < targets.size(); ++b) {
    if (!targets[b] || targets[b]->boxes_n6.size(0) == 0) continue;
    check_target(*targets[b], output.pred_logits.size(2) - 1);
    const auto sample = static_cast<std::int64_t>(b);
    const DetectionOutput own = {logits.narrow(0, sample, 1), boxes.narrow(0, sample, 1), {}};
    const at::Tensor cost = matching_cost(own, *targets[b], options)[0];
    if (!cost.isfinite().all().item<bool>())
      fail(ErrorCategory::input, "detections of sample {} are not finite", b);
    matches[b] = match_sample(cost);
  }
  return matches;
}

std::int64_t box_count(const DetectionTargets& targets) {
  std::int64_t count = 0;
  for (const auto& target : targets) count += target ? target->boxes_n6.size(0) : 0;
  return count;
}

LossWithTerms detection_loss(const DetectionOutput& output, const DetectionTargets& targets, double boxes,
                             const DetectionLossOptions& options) {
  const std::vector<DetectionMatch> matches = match_boxes(output, targets, options);
  LossWithTerms loss;
  if (std::none_of(targets.begin(), targets.end(), [](const auto& target) { return target.has_value(); })) {
    loss.total = (output.pred_logits.to(at::kFloat) * 0).sum() + (output.pred_boxes.to(at::kFloat) * 0).sum();
    return loss;
  }
  const MatchedPairs pairs = gather_pairs(output, targets, matches);
  at::Tensor own = box_corners(pairs.boxes_m6), wanted = box_corners(pairs.targets_m6);
  if (options.public_double_conversion) {
    own = box_corners(own);
    wanted = box_corners(wanted);
  }
  const double count = std::max(boxes, 1.0);
  const at::Tensor distance = (pairs.boxes_m6 - pairs.targets_m6).abs().sum() / count;
  const at::Tensor overlap = (1 - generalized_iou(own, wanted).diagonal()).sum() / count;
  const at::Tensor classes = class_loss(pairs, options.no_object_weight);
  loss.terms = {{"loss_ce", classes},
                {"loss_bbox", distance},
                {"loss_giou", overlap},
                {"cardinality_error", cardinality_error(pairs)}};
  loss.total = classes * options.class_weight + distance * options.l1_weight + overlap * options.giou_weight;
  return loss;
}

}  // namespace pillar
