#include "train/finetune/finetune_loss.h"

#include "pillar/labels/outcome_sampling.h"
#include "pillar/train/detection_loss.h"

#include "device/shared/cuda_tensor.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

// Where no study of a micro-batch is annotated: masks of nothing, of the map's own size.
at::Tensor empty_masks(const at::Tensor& attention_bt1yx) {
  return at::zeros(
      {attention_bt1yx.size(0), attention_bt1yx.size(1), attention_bt1yx.size(3), attention_bt1yx.size(4)},
      attention_bt1yx.options().dtype(at::kByte).requires_grad(false));
}

void add_term(LossWithTerms& loss, const std::string& name, const at::Tensor& term, double weight) {
  loss.total = loss.total + term * weight;
  loss.terms.emplace_back(name, term.detach());
}

}  // namespace

FinetuneLoss::FinetuneLoss(const FinetuneConfig& config, const OutcomeTable& table, at::Device device)
    : config_(config), device_(device) {
  if (config.positive_weight == PositiveWeight::balanced && table.kind == OutcomeKind::multilabel)
    weights_.positive_l = positive_weights(table).to(device);
}

std::vector<std::string> FinetuneLoss::term_names() const {
  std::vector<std::string> names = {"outcome"};
  if (config_.image_attention > 0 || config_.volume_attention > 0) names.emplace_back("attention");
  if (config_.detection_weight > 0) names.emplace_back("detection");
  if (config_.region > 0) names.emplace_back("region");
  return names;
}

bool FinetuneLoss::wants_detection() const noexcept {
  return config_.detection_weight > 0 || config_.region > 0;
}

bool FinetuneLoss::wants_masks() const noexcept {
  return wants_detection() || config_.image_attention > 0 || config_.volume_attention > 0;
}

at::Tensor FinetuneLoss::of_outcome(const at::Tensor& logits, const at::Tensor& values) const {
  const bool focal = config_.loss == ClassificationLoss::focal;
  FocalOptions options{config_.focal_gamma, std::nullopt};
  if (config_.focal_alpha >= 0) options.alpha = config_.focal_alpha;
  switch (config_.columns.kind) {
    case OutcomeKind::survival: {
      const SurvivalTargets targets = survival_targets(values, config_.columns.horizon);
      return survival_loss(logits, targets.is_event_ny, targets.is_known_ny);
    }
    case OutcomeKind::multiclass:
      return focal ? multiclass_focal_loss(logits, values, options) : multiclass_loss(logits, values);
    case OutcomeKind::multilabel:
      return focal ? multilabel_focal_loss(logits, values, options, weights_)
                   : multilabel_loss(logits, values, weights_);
  }
  return {};
}

void FinetuneLoss::add_attention(const FinetunedOutput& output, const MicroTargets& targets,
                                 LossWithTerms& loss) const {
  const at::Tensor& attention = output.pool.image_attention_softmax_1;
  const at::Tensor masks = targets.masks_bdhw.defined() ? targets.masks_bdhw : empty_masks(attention);
  const RegionAnnotations annotations = region_annotations(masks, queued_to(targets.laterality_b3, device_));
  const std::array<std::int64_t, 3> map_tyx = {attention.size(1), attention.size(3), attention.size(4)};
  const LossWithTerms region = sybil_region_loss(output.pool, map_tyx, annotations,
                                                 {config_.image_attention, config_.volume_attention});
  add_term(loss, "attention", region.total, 1);
}

void FinetuneLoss::add_detection(const FinetunedOutput& output, const MicroTargets& targets,
                                 LossWithTerms& loss) const {
  const at::Tensor masks =
      targets.masks_bdhw.defined() ? targets.masks_bdhw : empty_masks(output.pool.image_attention_softmax_1);
  if (config_.detection_weight > 0) {
    const DetectionTargets boxes = detection_targets(masks);
    const auto count = static_cast<double>(box_count(boxes));
    add_term(loss, "detection", detection_loss(*output.detection, boxes, count).total,
             config_.detection_weight);
  }
  if (config_.region > 0) {
    const RegionAnnotations annotations =
        region_annotations(masks, queued_to(targets.laterality_b3, device_));
    // Back from the public code's view of it to the map's own axes.
    const at::Tensor& attention = output.pool.image_attention_softmax_1;
    const at::Tensor where = output.detection->volume_attention_map.reshape(
        {attention.size(0), -1, attention.size(1), attention.size(3), attention.size(4)});
    add_term(loss, "region", region_annotation_loss(where, annotations), config_.region);
  }
}

LossWithTerms FinetuneLoss::operator()(const FinetunedOutput& output, const MicroTargets& targets) const {
  LossWithTerms loss;
  loss.total = of_outcome(output.logits, targets.values);
  loss.terms.emplace_back("outcome", loss.total.detach());
  if (config_.image_attention > 0 || config_.volume_attention > 0) add_attention(output, targets, loss);
  if (wants_detection()) add_detection(output, targets, loss);
  return loss;
}

}  // namespace pillar
