// Losses of the heads' goldens, and their gradients by every parameter and by the map.
#include "pillar/train/detection_loss.h"

#include "tools/parity_finetune_heads.h"
#include "tools/parity_finetune_losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar::test {
namespace {

using Json = nlohmann::ordered_json;

Json terms_json(const LossWithTerms& loss) {
  Json json = Json::object();
  for (const auto& [name, term] : loss.terms) {
    if (name != "cardinality_error") json[name] = term.item<double>();
  }
  return json;
}

// Gradients of `loss` under "grad.NAME.", of everything that it depends on.
void add_gradients(const HeadsRun& run, const std::string& name, const at::Tensor& loss, NamedTensors& out) {
  NamedTensors leaves = {{"activ", run.activ_bctyx}};
  for (const auto& [weight, tensor] : run.weights) {
    if (tensor.requires_grad()) leaves.emplace_back(weight, tensor);
  }
  torch::autograd::backward({loss}, {}, /*retain_graph=*/true);
  for (auto& [leaf, tensor] : leaves) {
    if (tensor.grad().defined()) out.emplace_back("grad." + name + "." + leaf, tensor.grad().clone());
    tensor.mutable_grad() = at::Tensor();
  }
}

LossInputs without_annotation(LossInputs inputs) {
  RegionAnnotations& regions = inputs.annotations;
  regions.has_annotation_b = at::zeros_like(regions.has_annotation_b);
  return inputs;
}

Json match_json(const HeadsRun& run, const LossInputs& inputs) {
  DetectionTargets targets = detection_targets(inputs.masks_bdhw, 1);
  DetectionTargets annotated;
  std::vector<at::Tensor> logits, boxes;
  for (std::size_t b = 0; b < targets.size(); ++b) {
    const auto sample = static_cast<std::int64_t>(b);
    if (!inputs.annotations.has_annotation_b[sample].item<bool>()) continue;
    annotated.push_back(targets[b]);
    logits.push_back(run.detection->pred_logits.narrow(0, sample, 1));
    boxes.push_back(run.detection->pred_boxes.narrow(0, sample, 1));
  }
  Json json = Json::array();
  if (annotated.empty()) return json;
  for (const DetectionMatch& match : match_boxes({at::cat(logits), at::cat(boxes), {}}, annotated))
    json.push_back({match.queries, match.boxes});
  return json;
}

struct GoldenLosses {
  at::Tensor survival, region;
  LossWithTerms sybil, detr;
};

GoldenLosses all_losses(const HeadsRun& run, const LossInputs& inputs, const SybilRegionOptions& lambdas) {
  GoldenLosses losses;
  losses.survival = survival_loss(run.survival, inputs.y_seq, inputs.y_mask);
  losses.sybil = public_region_loss(run.pool, inputs, lambdas);
  if (!run.detection) return losses;
  losses.detr = public_detection_loss(*run.detection, inputs.masks_bdhw, inputs.annotations.has_annotation_b);
  if (run.detection->pred_boxes.size(1) == 1)
    losses.region = region_annotation_loss(run.detection->volume_attention_map, inputs.annotations);
  return losses;
}

Json losses_json(const GoldenLosses& losses) {
  Json json = {{"survival", losses.survival.item<double>()}, {"sybil", losses.sybil.total.item<double>()}};
  if (losses.detr.total.defined()) json["detr"] = losses.detr.total.item<double>();
  if (losses.region.defined()) json["region"] = losses.region.item<double>();
  return json;
}

// Of the annotated samples.
void add_target_boxes(const LossInputs& inputs, NamedTensors& out) {
  std::vector<at::Tensor> boxes;
  for (const auto& target : detection_targets(inputs.masks_bdhw, 1)) {
    if (target) boxes.push_back(target->boxes_n6);
  }
  if (!boxes.empty()) out.emplace_back("out.target_boxes", at::cat(boxes));
}

}  // namespace

nlohmann::ordered_json add_heads_losses(const SafetensorsFile& golden, const Config& json,
                                        const HeadsRun& run, NamedTensors& out) {
  const LossInputs inputs = loss_inputs(golden);
  const std::vector<double> lambdas = json.get("config").get("sybil_lambdas").as_doubles(2);
  const SybilRegionOptions options{lambdas[0], lambdas[1]};
  const GoldenLosses losses = all_losses(run, inputs, options);
  Json values;
  values["losses"] = losses_json(losses);
  values["loss_components"]["survival"]["survival_loss_survival"] = losses.survival.item<double>();
  values["loss_components"]["sybil"] = terms_json(losses.sybil);
  add_gradients(run, "survival", losses.survival, out);
  add_gradients(run, "sybil", losses.sybil.total, out);
  if (run.detection) {
    values["loss_components"]["detr"] = terms_json(losses.detr);
    values["loss_components"]["detr"]["total_bbox_loss"] = losses.detr.total.item<double>();
    values["detr_match"] = match_json(run, inputs);
    add_gradients(run, "detr", losses.detr.total, out);
    add_target_boxes(inputs, out);
  }
  if (losses.region.defined()) {
    values["loss_components"]["region"]["region_annotation_loss_volume_attention_map"] =
        losses.region.item<double>();
    add_gradients(run, "region", losses.region, out);
  }
  values["losses_no_annotation"] = losses_json(all_losses(run, without_annotation(inputs), options));
  LossInputs no_side = inputs;
  no_side.annotations.laterality_b3 = at::zeros_like(no_side.annotations.laterality_b3);
  const LossWithTerms sided = public_region_loss(run.pool, no_side, options);
  values["sybil_no_laterality"] = {{"loss", sided.total.item<double>()}};
  values["sybil_no_laterality"].update(terms_json(sided));
  return values;
}

}  // namespace pillar::test
