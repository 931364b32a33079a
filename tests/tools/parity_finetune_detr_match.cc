// Goldens of the matcher and the criterion with several classes and targets.
#include "pillar/core/config.h"
#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/train/detection_loss.h"

#include "tools/parity_finetune.h"

#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/sigmoid.h>
#include <nlohmann/json.hpp>
#include <torch/csrc/autograd/autograd.h>

namespace pillar::test {

void parity_finetune_detr_match(const FinetuneCase& golden) {
  const SafetensorsFile io(golden.tensors);
  at::Tensor logits = io.tensor("in.pred_logits").clone().requires_grad_(true);
  at::Tensor raw = io.tensor("in.pred_boxes_raw").clone().requires_grad_(true);
  const DetectionOutput output = {logits, at::sigmoid(raw), {}};
  DetectionTargets targets;
  std::vector<at::Tensor> boxes, labels;
  for (std::int64_t b = 0; b < logits.size(0); ++b) {
    const std::string name = "in.target." + std::to_string(b);
    targets.emplace_back(DetectionTarget{io.tensor(name + ".labels"), io.tensor(name + ".boxes")});
    labels.push_back(targets.back()->labels_n);
    boxes.push_back(targets.back()->boxes_n6);
  }
  DetectionLossOptions options;
  options.public_double_conversion = true;
  const DetectionTarget all = {at::cat(labels), at::cat(boxes)};
  const at::Tensor own = box_corners(output.pred_boxes.detach().flatten(0, 1)),
                   wanted = box_corners(all.boxes_n6);
  NamedTensors out = {{"out.pred_boxes", output.pred_boxes.detach()},
                      {"out.cost", matching_cost(output, all, options)},
                      {"out.giou_matcher", generalized_iou(own, wanted)},
                      {"out.giou_loss_double", generalized_iou(box_corners(own), box_corners(wanted))}};
  nlohmann::ordered_json json;
  for (const DetectionMatch& match : match_boxes(output, targets, options))
    json["match"].push_back({match.queries, match.boxes});
  const LossWithTerms loss =
      detection_loss(output, targets, static_cast<double>(box_count(targets)), options);
  for (const auto& [name, term] : loss.terms) json["losses"][name] = term.item<double>();
  json["losses"]["total_loss"] = loss.total.item<double>();
  torch::autograd::backward({loss.total}, {});
  out.emplace_back("grad.pred_logits", logits.grad());
  out.emplace_back("grad.pred_boxes_raw", raw.grad());
  write_safetensors(golden.out_tensors, out);
  write_file_atomic(golden.out_json, json.dump(1) + "\n");
}

}  // namespace pillar::test
