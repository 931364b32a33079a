#include "pillar/train/losses.h"

#include "pillar/core/fail.h"

#include "core/shared/joined.h"
#include "device/shared/cuda_tensor.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>

namespace pillar {
namespace {

// A zero that gradients of zeros flow back from.
at::Tensor zero_loss(const at::Tensor& logits) {
  return (logits.to(at::kFloat) * 0).sum();
}

void require_shape(const char* what, const at::Tensor& tensor, at::IntArrayRef wanted) {
  if (tensor.sizes() == wanted) return;
  fail(ErrorCategory::input, "{} of ({}) where the logits ask for ({})", what, joined(tensor.sizes(), ", "),
       joined(wanted, ", "));
}

void require_matrix(const at::Tensor& logits) {
  if (logits.dim() == 2) return;
  fail(ErrorCategory::input, "logits of ({}): they are (samples, outputs)", joined(logits.sizes(), ", "));
}

void require_all(const at::Tensor& holds, const char* fault) {
  if (!holds.all().item<bool>()) fail(ErrorCategory::input, "{}", fault);
}

at::Tensor in_unit_interval(const at::Tensor& values) {
  return (values >= 0).logical_and(values <= 1);
}

void check_label_weights(const at::Tensor& logits_nl, const LabelWeights& weights) {
  for (const at::Tensor* own : {&weights.positive_l, &weights.label_l}) {
    if (own->defined()) require_shape("label weights", *own, {logits_nl.size(1)});
  }
}

// Targets without what is not known, and 1 where a label is known.
struct KnownLabels {
  at::Tensor targets_nl, known_nl;
};
KnownLabels known_labels(const at::Tensor& logits_nl, const at::Tensor& targets_nl) {
  require_matrix(logits_nl);
  require_shape("targets", targets_nl, logits_nl.sizes());
  const at::Tensor targets = targets_nl.to(at::kFloat);
  const at::Tensor unknown = at::isnan(targets);
  require_all(at::logical_or(unknown, in_unit_interval(targets)),
              "a label that is neither in [0, 1] nor unknown (NaN)");
  return {queued_to(targets.masked_fill(unknown, 0), logits_nl.device()),
          queued_to(unknown.logical_not().to(at::kFloat), logits_nl.device())};
}

at::Tensor label_weights(const KnownLabels& labels, const LabelWeights& weights) {
  if (!weights.label_l.defined()) return labels.known_nl;
  return labels.known_nl * queued_to(weights.label_l, labels.known_nl.device()).to(at::kFloat);
}

// The cross-entropy of each label, positives by their weights.
at::Tensor label_entropy(const at::Tensor& logits_nl, const KnownLabels& labels,
                         const at::Tensor& positive_l) {
  c10::optional<at::Tensor> positive;
  if (positive_l.defined()) positive = queued_to(positive_l, logits_nl.device()).to(at::kFloat);
  return at::binary_cross_entropy_with_logits(logits_nl.to(at::kFloat), labels.targets_nl, {}, positive,
                                              at::Reduction::None);
}

at::Tensor weighted_mean(const at::Tensor& terms, const at::Tensor& weights, const at::Tensor& logits) {
  const at::Tensor total = weights.sum();
  if (total.is_cpu() && total.item<double>() == 0) return zero_loss(logits);
  // On a GPU nobody looks: a sum of nothing is 0, by whatever it is divided.
  return (terms * weights).sum() / (total + total.eq(0));
}

// (1 - probability of the truth)^gamma. Bounded away from 0, where a power below 1 has no derivative.
at::Tensor focal_factor(const at::Tensor& entropy, double gamma) {
  constexpr double kSmallest = 1e-12;
  return (1 - at::exp(-entropy)).clamp_min(kSmallest).pow(gamma);
}

void check_classes(const at::Tensor& logits_nk, const at::Tensor& classes_n, const at::Tensor& weights_k) {
  require_matrix(logits_nk);
  require_shape("classes", classes_n, {logits_nk.size(0)});
  if (weights_k.defined()) require_shape("class weights", weights_k, {logits_nk.size(1)});
  require_all((classes_n >= -1).logical_and(classes_n < logits_nk.size(1)),
              "a class that is neither one of the outputs nor unknown (-1)");
}

}  // namespace

at::Tensor survival_loss(const at::Tensor& logits_ny, const at::Tensor& is_event_ny,
                         const at::Tensor& is_known_ny) {
  require_matrix(logits_ny);
  require_shape("events", is_event_ny, logits_ny.sizes());
  require_shape("known years", is_known_ny, logits_ny.sizes());
  const at::Tensor events = is_event_ny.to(at::kFloat), known = is_known_ny.to(at::kFloat);
  require_all(in_unit_interval(events).logical_and(in_unit_interval(known)),
              "an event or a known year outside [0, 1]");
  const at::Tensor entropy = at::binary_cross_entropy_with_logits(
      logits_ny.to(at::kFloat), queued_to(events, logits_ny.device()), {}, {}, at::Reduction::None);
  return weighted_mean(entropy, queued_to(known, logits_ny.device()), logits_ny);
}

at::Tensor multilabel_loss(const at::Tensor& logits_nl, const at::Tensor& targets_nl,
                           const LabelWeights& weights) {
  const KnownLabels labels = known_labels(logits_nl, targets_nl);
  check_label_weights(logits_nl, weights);
  return weighted_mean(label_entropy(logits_nl, labels, weights.positive_l), label_weights(labels, weights),
                       logits_nl);
}

at::Tensor multilabel_focal_loss(const at::Tensor& logits_nl, const at::Tensor& targets_nl,
                                 const FocalOptions& focal, const LabelWeights& weights) {
  const KnownLabels labels = known_labels(logits_nl, targets_nl);
  check_label_weights(logits_nl, weights);
  const at::Tensor entropy = label_entropy(logits_nl, labels, {});
  at::Tensor terms =
      label_entropy(logits_nl, labels, weights.positive_l) * focal_factor(entropy, focal.gamma);
  if (focal.alpha) {
    const at::Tensor& yes = labels.targets_nl;
    terms = terms * (yes * *focal.alpha + (1 - yes) * (1 - *focal.alpha));
  }
  return weighted_mean(terms, label_weights(labels, weights), logits_nl);
}

at::Tensor multiclass_loss(const at::Tensor& logits_nk, const at::Tensor& classes_n,
                           const at::Tensor& class_weights_k) {
  return multiclass_focal_loss(logits_nk, classes_n, {0, std::nullopt}, class_weights_k);
}

at::Tensor multiclass_focal_loss(const at::Tensor& logits_nk, const at::Tensor& classes_n,
                                 const FocalOptions& focal, const at::Tensor& class_weights_k) {
  check_classes(logits_nk, classes_n, class_weights_k);
  const at::Tensor classes = queued_to(classes_n, logits_nk.device()).to(at::kLong);
  const at::Tensor known = (classes >= 0).to(at::kFloat), indices = classes.clamp_min(0);
  at::Tensor entropy = at::cross_entropy_loss(logits_nk.to(at::kFloat), indices, {}, at::Reduction::None);
  if (focal.gamma != 0) entropy = entropy * focal_factor(entropy, focal.gamma);
  if (!class_weights_k.defined()) return weighted_mean(entropy, known, logits_nk);
  const at::Tensor weights =
      queued_to(class_weights_k, logits_nk.device()).to(at::kFloat).index_select(0, indices);
  return weighted_mean(entropy, known * weights, logits_nk);
}

}  // namespace pillar
