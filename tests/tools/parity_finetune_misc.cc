// What belongs to no other family: the public sampler, boxes around masks, the published sample's loss, the
// calibrator of 2022.
#include "pillar/core/file.h"
#include "pillar/data/public_order.h"
#include "pillar/labels/outcomes.h"
#include "pillar/train/detection_loss.h"
#include "pillar/train/losses.h"

#include "tools/parity_finetune.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <nlohmann/json.hpp>

namespace pillar::test {
namespace {

using MiscJson = nlohmann::ordered_json;

// 1 / (classes * count of the class) for each sample.
std::vector<double> class_weights(const std::vector<std::int64_t>& y) {
  std::map<std::int64_t, std::int64_t> counts;
  for (const std::int64_t label : y) ++counts[label];
  std::vector<double> weights;
  for (const std::int64_t label : y)
    weights.push_back(1.0 / static_cast<double>(static_cast<std::int64_t>(counts.size()) * counts[label]));
  return weights;
}

MiscJson sampler_of(const MiscJson& golden) {
  MiscJson out = golden;
  const std::vector<double> weights = class_weights(golden.at("y"));
  out["weights"] = weights;
  for (MiscJson& run : out.at("runs")) {
    // Every process has the same list.
    run["rank0"] = public_weighted_order(weights, golden.at("seed"), run.at("epoch"), run.at("num_replicas"),
                                         run.at("drop_last"));
    run["all_ranks_identical"] = true;
  }
  return out;
}

MiscJson boxes_of(const MiscJson& golden) {
  MiscJson out = golden;
  for (MiscJson& one : out) {
    const auto size = one.at("mask_shape_DHW").get<std::vector<std::int64_t>>();
    const at::Tensor mask = at::zeros({1, size.at(0), size.at(1), size.at(2)});
    at::Tensor part = mask;
    std::int64_t axis = 1;
    for (const MiscJson& filled : one.at("filled_half_open")) {
      part = part.slice(axis++, filled.at(0).get<std::int64_t>(), filled.at(1).get<std::int64_t>());
    }
    part.fill_(1);
    const DetectionTargets targets = detection_targets(mask);
    const at::Tensor box = targets.at(0)->boxes_n6[0].to(at::kDouble).contiguous();
    one["box_cxcyczwhd"] =
        std::vector<double>(box.const_data_ptr<double>(), box.const_data_ptr<double>() + 6);
  }
  return out;
}

// The same logit for every year.
MiscJson sample_loss_of(const MiscJson& golden) {
  MiscJson out = golden;
  const std::int64_t time = golden.at("time_at_event");
  const std::int64_t horizon = time + 1;  // later years are not known, whatever their number
  const at::Tensor outcome = at::tensor({golden.at("y").get<std::int64_t>(), time}).unsqueeze(0);
  const SurvivalTargets targets = survival_targets(outcome, horizon);
  const at::Tensor logits = at::full({1, horizon}, golden.at("logit").get<double>(), at::kFloat);
  out["loss"] = survival_loss(logits, targets.is_event_ny, targets.is_known_ny).item<double>();
  return out;
}

}  // namespace

void parity_finetune_misc(const FinetuneCase& golden) {
  const MiscJson in = MiscJson::parse(read_text_file(golden.json));
  MiscJson out;
  out["weighted_sampler"] = sampler_of(in.at("weighted_sampler"));
  out["mask_to_bounding_box"] = boxes_of(in.at("mask_to_bounding_box"));
  out["calibration"] = finetune_calibration_of(in.at("calibration"));
  out["readme_sample"] = sample_loss_of(in.at("readme_sample"));
  write_file_atomic(golden.out_json, out.dump(1));
}

}  // namespace pillar::test
