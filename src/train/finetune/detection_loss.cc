#include "pillar/train/detection_loss.h"

#include "pillar/core/fail.h"

#include "train/finetune/assignment.h"
#include "train/finetune/masked_mean.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

void check_output(const DetectionOutput& output) {
  const at::Tensor& logits = output.pred_logits;
  if (!logits.defined() || logits.dim() != 3 || logits.size(1) < 1 || logits.size(2) < 2)
    fail(ErrorCategory::input, "detection: logits of queries and classes are wanted");
  check_shape(output.pred_boxes, {logits.size(0), logits.size(1), 6}, "predicted boxes");
}

void check_detection_target(const DetectionTarget& target, std::int64_t classes) {
  if (!target.labels_n.defined() || target.labels_n.dim() != 1)
    fail(ErrorCategory::input, "detection: labels of boxes are wanted");
  check_shape(target.boxes_n6, {target.labels_n.size(0), 6}, "target boxes");
  const at::Tensor fits = (target.labels_n >= 0).logical_and(target.labels_n < classes);
  if (!fits.all().item<bool>())
    fail(ErrorCategory::input, "detection: a box's label is outside [0, {}]", classes - 1);
  if (!at::isfinite(target.boxes_n6).all().item<bool>())
    fail(ErrorCategory::input, "detection: a target box is not finite");
}

void check_detection(const DetectionOutput& output, const DetectionTargets& targets) {
  check_output(output);
  if (std::ssize(targets) != output.pred_logits.size(0)) {
    fail(ErrorCategory::input, "detection: {} targets stand against {} samples", targets.size(),
         output.pred_logits.size(0));
  }
  for (const auto& target : targets) {
    if (target) check_detection_target(*target, output.pred_logits.size(2));
  }
}

DetectionOutput sample_of(const DetectionOutput& output, std::int64_t sample) {
  return {output.pred_logits.narrow(0, sample, 1), output.pred_boxes.narrow(0, sample, 1), {}};
}

DetectionMatch match_sample(const DetectionOutput& output, const DetectionTarget& target,
                            const DetectionLossOptions& options) {
  const at::Tensor costs =
      matching_cost(output, target, options).to(at::TensorOptions(at::kCPU).dtype(at::kDouble)).contiguous();
  if (!at::isfinite(costs).all().item<bool>())
    fail(ErrorCategory::input, "detection: what the head gives is not finite");
  const auto* first = costs.const_data_ptr<double>();
  const std::vector<std::int64_t> box_of_query =
      least_cost_assignment({first, first + costs.numel()}, costs.size(1), costs.size(2));
  DetectionMatch match;
  for (std::int64_t query = 0; query < costs.size(1); ++query) {
    if (box_of_query[query] < 0) continue;
    match.queries.push_back(query);
    match.boxes.push_back(box_of_query[query]);
  }
  return match;
}

// What the matching makes of a batch: only samples that have a target.
struct MatchedBatch {
  at::Tensor logits;             // (samples, queries, classes + 1) float32
  at::Tensor classes;            // (samples, queries): of the matched box, else "no object"
  at::Tensor predicted, wanted;  // (matches, 6) float32
  std::vector<double> counts;    // boxes of each sample
};

MatchedBatch matched_batch(const DetectionOutput& output, const DetectionTargets& targets,
                           const std::vector<DetectionMatch>& matches) {
  MatchedBatch batch;
  std::vector<at::Tensor> logits, classes, predicted, wanted;
  const std::int64_t no_object = output.pred_logits.size(2) - 1;
  for (std::size_t b = 0; b < targets.size(); ++b) {
    if (!targets[b]) continue;
    const auto sample = static_cast<std::int64_t>(b);
    const at::Tensor own = output.pred_logits.select(0, sample);
    const auto index = own.options().dtype(at::kLong).requires_grad(false);
    const at::Tensor queries = at::tensor(matches[b].queries, index);
    const at::Tensor boxes = at::tensor(matches[b].boxes, index);
    at::Tensor classes_q = at::full({own.size(0)}, no_object, index);
    classes_q.index_copy_(0, queries, targets[b]->labels_n.to(index).index_select(0, boxes));
    logits.push_back(own);
    classes.push_back(classes_q);
    predicted.push_back(output.pred_boxes.select(0, sample).index_select(0, queries));
    wanted.push_back(targets[b]->boxes_n6.to(index.dtype(at::kFloat)).index_select(0, boxes));
    batch.counts.push_back(static_cast<double>(targets[b]->labels_n.size(0)));
  }
  batch.logits = at::stack(logits).to(at::kFloat);
  batch.classes = at::stack(classes);
  batch.predicted = at::cat(predicted).to(at::kFloat);
  batch.wanted = at::cat(wanted);
  return batch;
}

at::Tensor class_loss(const MatchedBatch& batch, double no_object_weight) {
  const std::int64_t classes = batch.logits.size(2);
  at::Tensor weights = at::ones({classes}, batch.logits.options().requires_grad(false));
  weights[classes - 1] = no_object_weight;
  return at::cross_entropy_loss(batch.logits.flatten(0, 1), batch.classes.flatten(), weights);
}

// Sum over matched pairs of 1 - GIoU.
at::Tensor overlap_loss(const MatchedBatch& batch, bool public_double_conversion) {
  at::Tensor predicted = box_corners(batch.predicted), wanted = box_corners(batch.wanted);
  if (public_double_conversion) {
    predicted = box_corners(predicted);
    wanted = box_corners(wanted);
  }
  return (1 - generalized_iou(predicted, wanted).diagonal()).sum();
}

at::Tensor cardinality_error(const MatchedBatch& batch) {
  const at::NoGradGuard no_gradients;
  const at::Tensor objects = (batch.logits.argmax(-1) != batch.logits.size(2) - 1).sum(1).to(at::kFloat);
  return (objects - at::tensor(batch.counts, objects.options())).abs().mean();
}

LossWithTerms no_detection_loss(const DetectionOutput& output) {
  const at::Tensor zero = (output.pred_logits.sum() * 0 + output.pred_boxes.sum() * 0).to(at::kFloat);
  return {
      zero,
      {{"loss_ce", zero}, {"loss_bbox", zero}, {"loss_giou", zero}, {"cardinality_error", zero.detach()}}};
}

}  // namespace

at::Tensor matching_cost(const DetectionOutput& output, const DetectionTarget& target,
                         const DetectionLossOptions& options) {
  check_output(output);
  check_detection_target(target, output.pred_logits.size(2));
  const at::NoGradGuard no_gradients;
  const std::int64_t batch = output.pred_logits.size(0), queries = output.pred_logits.size(1);
  const at::Tensor probabilities = at::softmax(output.pred_logits.to(at::kFloat).flatten(0, 1), -1);
  const at::Tensor boxes = output.pred_boxes.to(at::kFloat).flatten(0, 1);
  const at::Tensor wanted = target.boxes_n6.to(boxes.options());
  const at::Tensor labels = target.labels_n.to(boxes.options().dtype(at::kLong));
  const at::Tensor distance = (boxes.unsqueeze(1) - wanted.unsqueeze(0)).abs().sum(-1);
  const at::Tensor overlap = generalized_iou(box_corners(boxes), box_corners(wanted));
  const at::Tensor cost = options.l1_cost * distance -
                          options.class_cost * probabilities.index_select(1, labels) -
                          options.giou_cost * overlap;
  return cost.view({batch, queries, labels.size(0)});
}

std::vector<DetectionMatch> match_boxes(const DetectionOutput& output, const DetectionTargets& targets,
                                        const DetectionLossOptions& options) {
  check_detection(output, targets);
  std::vector<DetectionMatch> matches(targets.size());
  for (std::size_t b = 0; b < targets.size(); ++b) {
    if (!targets[b]) continue;
    matches[b] = match_sample(sample_of(output, static_cast<std::int64_t>(b)), *targets[b], options);
  }
  return matches;
}

std::int64_t box_count(const DetectionTargets& targets) {
  std::int64_t count = 0;
  for (const auto& target : targets) count += target ? target->labels_n.size(0) : 0;
  return count;
}

LossWithTerms detection_loss(const DetectionOutput& output, const DetectionTargets& targets, double boxes,
                             const DetectionLossOptions& options) {
  const std::vector<DetectionMatch> matches = match_boxes(output, targets, options);
  if (std::ranges::none_of(targets, [](const auto& target) { return target.has_value(); }))
    return no_detection_loss(output);
  const MatchedBatch batch = matched_batch(output, targets, matches);
  const double divisor = std::max(boxes, 1.0);
  const at::Tensor classes = class_loss(batch, options.no_object_weight);
  const at::Tensor distance = (batch.predicted - batch.wanted).abs().sum() / divisor;
  const at::Tensor overlap = overlap_loss(batch, options.public_double_conversion) / divisor;
  return {options.class_weight * classes + options.l1_weight * distance + options.giou_weight * overlap,
          {{"loss_ce", classes},
           {"loss_bbox", distance},
           {"loss_giou", overlap},
           {"cardinality_error", cardinality_error(batch)}}};
}

}  // namespace pillar
