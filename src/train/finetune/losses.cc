#include "pillar/train/losses.h"

#include "pillar/core/fail.h"

#include "train/finetune/masked_mean.h"

#include <string_view>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/where.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

// Where the power of what is missing to certainty has no slope any more.
constexpr double kLeastMiss = 1e-12;

void check_table(const at::Tensor& logits) {
  if (!logits.defined() || logits.dim() != 2)
    fail(ErrorCategory::input, "logits: a table of samples and outputs is wanted");
}

// NaN is no value of [0, 1].
void check_unit_range(const at::Tensor& values, std::string_view what) {
  const at::Tensor fits = (values >= 0).logical_and(values <= 1);
  if (!fits.all().item<bool>()) fail(ErrorCategory::input, "{}: values outside [0, 1]", what);
}

void check_gamma(double gamma) {
  if (!(gamma >= 0)) fail(ErrorCategory::usage, "the focal loss's gamma {} is below 0", gamma);
}

struct KnownLabels {
  at::Tensor logits, targets;  // (N, labels) float32; unknown targets are 0
  at::Tensor weights;          // (N, labels) float32, 0 where unknown
};

KnownLabels known_labels(const at::Tensor& logits, const at::Tensor& targets, const LabelWeights& weights) {
  check_table(logits);
  check_shape(targets, logits.sizes(), "targets");
  const std::int64_t labels = logits.size(1);
  if (weights.positive_l.defined()) check_shape(weights.positive_l, {labels}, "weights of positives");
  if (weights.label_l.defined()) check_shape(weights.label_l, {labels}, "weights of labels");
  const at::Tensor unknown = at::isnan(targets);
  KnownLabels known;
  known.logits = logits.to(at::kFloat);
  known.targets = at::where(unknown, 0, targets).to(at::kFloat);
  check_unit_range(known.targets, "targets");
  known.weights = unknown.logical_not().to(at::kFloat);
  if (weights.label_l.defined()) known.weights = known.weights * weights.label_l.to(at::kFloat);
  return known;
}

at::Tensor label_entropies(const KnownLabels& known, const LabelWeights& weights) {
  return at::binary_cross_entropy_with_logits(known.logits, known.targets, {}, weights.positive_l,
                                              at::Reduction::None);
}

struct KnownClasses {
  at::Tensor entropies, weights;  // (N) float32; unknown samples weigh 0
};

KnownClasses known_classes(const at::Tensor& logits, const at::Tensor& classes,
                           const at::Tensor& class_weights) {
  check_table(logits);
  const std::int64_t count = logits.size(1);
  check_shape(classes, {logits.size(0)}, "classes");
  if (class_weights.defined()) check_shape(class_weights, {count}, "weights of classes");
  const at::Tensor fits = (classes >= -1).logical_and(classes < count);
  if (!fits.all().item<bool>()) {
    fail(ErrorCategory::input, "classes: there are {}, and a sample's is below -1 or above {}", count,
         count - 1);
  }
  const at::Tensor index = classes.to(at::kLong).clamp_min(0);
  KnownClasses known;
  known.entropies = -at::log_softmax(logits.to(at::kFloat), 1).gather(1, index.unsqueeze(1)).squeeze(1);
  known.weights = (classes >= 0).to(at::kFloat);
  if (class_weights.defined())
    known.weights = known.weights * class_weights.to(at::kFloat).index_select(0, index);
  return known;
}

}  // namespace

at::Tensor survival_loss(const at::Tensor& logits_ny, const at::Tensor& is_event_ny,
                         const at::Tensor& is_known_ny) {
  check_table(logits_ny);
  check_shape(is_event_ny, logits_ny.sizes(), "years of the event");
  check_shape(is_known_ny, logits_ny.sizes(), "known years");
  check_unit_range(is_event_ny, "years of the event");
  check_unit_range(is_known_ny, "known years");
  return weighted_mean(at::binary_cross_entropy_with_logits(
                           logits_ny.to(at::kFloat), is_event_ny.to(at::kFloat), {}, {}, at::Reduction::None),
                       is_known_ny.to(at::kFloat));
}

at::Tensor multilabel_loss(const at::Tensor& logits_nl, const at::Tensor& targets_nl,
                           const LabelWeights& weights) {
  const KnownLabels known = known_labels(logits_nl, targets_nl, weights);
  return weighted_mean(label_entropies(known, weights), known.weights);
}

at::Tensor multilabel_focal_loss(const at::Tensor& logits_nl, const at::Tensor& targets_nl,
                                 const FocalOptions& focal, const LabelWeights& weights) {
  check_gamma(focal.gamma);
  const KnownLabels known = known_labels(logits_nl, targets_nl, weights);
  const at::Tensor& truth = known.targets;
  // 1 - the probability of the truth, without taking a difference of near numbers.
  const at::Tensor miss = truth * at::sigmoid(-known.logits) + (1 - truth) * at::sigmoid(known.logits);
  at::Tensor factors = miss.clamp_min(kLeastMiss).pow(focal.gamma);
  if (focal.alpha) factors = factors * (truth * *focal.alpha + (1 - truth) * (1 - *focal.alpha));
  return weighted_mean(label_entropies(known, weights) * factors, known.weights);
}

at::Tensor multiclass_loss(const at::Tensor& logits_nk, const at::Tensor& classes_n,
                           const at::Tensor& class_weights_k) {
  const KnownClasses known = known_classes(logits_nk, classes_n, class_weights_k);
  return weighted_mean(known.entropies, known.weights);
}

at::Tensor multiclass_focal_loss(const at::Tensor& logits_nk, const at::Tensor& classes_n,
                                 const FocalOptions& focal, const at::Tensor& class_weights_k) {
  check_gamma(focal.gamma);
  if (focal.alpha) fail(ErrorCategory::usage, "the focal loss of classes has weights of classes, no alpha");
  const KnownClasses known = known_classes(logits_nk, classes_n, class_weights_k);
  const at::Tensor miss = -(-known.entropies).expm1();
  return weighted_mean(known.entropies * miss.clamp_min(kLeastMiss).pow(focal.gamma), known.weights);
}

}  // namespace pillar
