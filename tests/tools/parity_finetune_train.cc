// Goldens of whole small trainings: the library's heads, losses, layer decay, schedule and optimiser below
// the public code's loop, with its accumulation (a window that an epoch's end cuts off is carried into the
// next).
#include "pillar/core/file.h"
#include "pillar/model/head_layers.h"
#include "pillar/train/layer_decay.h"
#include "pillar/train/optimizer.h"

#include "tools/parity_finetune.h"
#include "tools/parity_finetune_losses.h"

#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/linear.h>
#include <nlohmann/json.hpp>
#include <torch/csrc/autograd/autograd.h>

namespace pillar::test {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kInitial = "init.", kBackbone = "backbone_model.model.model.visual.";

struct TrainCase {
  std::int64_t epochs = 1, accumulate = 1;
  double lr = 0, clip_norm = 0;
  EpochScheduleOptions schedule;
  LayerDecayOptions layers;
};

TrainCase read_case(const Json& json) {
  TrainCase c;
  c.epochs = json["epochs"].get<std::int64_t>();
  c.accumulate = json["accumulate_grad_batches"].get<std::int64_t>();
  c.lr = json["base_lr"].get<double>();
  c.clip_norm = json["clip_grad"].is_null() ? 0 : json["clip_grad"].get<double>();
  const Json& schedule = json["scheduler"];
  c.schedule = {schedule["min_lr"].get<double>(), schedule["warmup_epochs"].get<std::int64_t>(),
                schedule["max_epochs"].get<std::int64_t>()};
  c.layers = {json["stages"].get<std::vector<std::int64_t>>(), json["layer_decay"].get<double>(),
              json["weight_decay"].get<double>(), true};
  return c;
}

// The golden's backbone: a 1x1x1 convolution, then for every block, in the order of stages, a = a +
// Linear(a).
class TinyBackbone {
 public:
  TinyBackbone(const WeightMap& weights, const std::vector<std::int64_t>& stages, Parameters& list)
      : first_(take(weights, "patch_embeds.chest_ct.conv_down.0.weight", list)) {
    for (std::size_t s = 0; s < stages.size(); ++s) {
      for (std::int64_t b = 0; b < stages[s]; ++b) {
        const std::string block =
            "atlas_models." + std::to_string(s) + ".blocks." + std::to_string(b) + ".blocks.0.attn.proj.";
        blocks_.emplace_back(take(weights, block + "weight", list), take(weights, block + "bias", list));
      }
    }
  }
  at::Tensor operator()(const at::Tensor& x) const {
    at::Tensor map = at::conv3d(x, first_);
    for (const auto& [weight, bias] : blocks_)
      map = map + at::linear(map.movedim(1, -1), weight, bias).movedim(-1, 1);
    return map;
  }

 private:
  static at::Tensor take(const WeightMap& weights, const std::string& name, Parameters& list) {
    const std::string full = std::string(kBackbone) + name;
    list.add({full, weights.at(full)});
    return weights.at(full);
  }
  at::Tensor first_;
  std::vector<std::pair<at::Tensor, at::Tensor>> blocks_;
};

struct TrainedHeads {
  TrainedHeads(const WeightMap& weights, const TrainCase& c)
      : backbone(weights, c.layers.stages, parameters),
        pool(weights, "the golden", &parameters),
        hazard(weights, "the golden", &parameters),
        detection(detection_settings(), weights, "the golden", &parameters) {
    for (auto& [name, tensor] : parameters.of_kind(ParameterKind::trainable)) tensor.requires_grad_(true);
  }
  static DetectionHeadConfig detection_settings() {
    DetectionHeadConfig settings;
    settings.dropout = 0;
    return settings;
  }
  at::Tensor loss(const at::Tensor& x, const LossInputs& inputs) const {
    const at::Tensor map = backbone(x);
    const PoolOutput pooled = pool(map);
    DetectionPass pass;
    pass.execution.gradients = true;
    pass.train = true;
    const DetectionOutput boxes = detection(map, pass);
    const at::Tensor loss = survival_loss(hazard(pooled.hidden), inputs.y_seq, inputs.y_mask) +
                            public_region_loss(pooled, inputs).total;
    // The public detection loss of no annotation has no gradient, so that the optimiser leaves the head
    // alone.
    if (!inputs.annotations.has_annotation_b.any().item<bool>()) return loss;
    return loss + public_detection_loss(boxes, inputs.masks_bdhw, inputs.annotations.has_annotation_b).total;
  }

  Parameters parameters;
  TinyBackbone backbone;
  AttentionPool pool;
  HazardHead hazard;
  DetectionHead detection;
};

std::vector<double> group_rates(const TrainCase& c, const std::map<std::string, ParameterOptions>& by_name,
                                std::int64_t epoch) {
  std::map<std::pair<double, double>, double>
      groups;  // by factor and decay: the golden's order is that of layers
  for (const auto& [name, own] : by_name) {
    groups[{own.lr_factor, own.weight_decay}] = epoch_learning_rate(c.schedule, c.lr * own.lr_factor, epoch);
  }
  std::vector<double> rates;
  for (const auto& [key, rate] : groups) rates.push_back(rate);
  return rates;
}

}  // namespace

void parity_finetune_train(const FinetuneCase& golden) {
  const SafetensorsFile io(golden.tensors);
  const TrainCase c = read_case(Json::parse(read_text_file(golden.json, 64 << 20)));
  WeightMap weights;
  for (const auto& [name, entry] : io.entries()) {
    if (name.starts_with(kInitial)) weights.emplace(name.substr(kInitial.size()), io.tensor(name).clone());
  }
  const TrainedHeads model(weights, c);
  AdamWOptions options;
  options.by_name = layer_decay(model.parameters, c.layers);
  AdamW optimizer(model.parameters, options);
  const LossInputs inputs = loss_inputs(io);
  const at::Tensor x = io.tensor("in.x");
  Json json = {{"group_lr_per_epoch", Json::array()}, {"steps", Json::array()}};
  std::int64_t steps = 0;
  for (std::int64_t epoch = 0; epoch < c.epochs; ++epoch) {
    json["group_lr_per_epoch"].push_back(group_rates(c, options.by_name, epoch));
    for (std::int64_t b = 0; b < x.size(0); ++b) {
      const at::Tensor loss =
          model.loss(x.narrow(0, b, 1), sample_of(inputs, b)) / static_cast<double>(c.accumulate);
      torch::autograd::backward({loss}, {});
      const bool steps_now = (b + 1) % c.accumulate == 0;
      Json norm = nullptr;
      if (steps_now) {
        if (c.clip_norm > 0) {
          const at::Tensor found = gradient_norm(optimizer.parameters());
          norm = found.item<double>();
          clip_gradients(optimizer.parameters(), found, c.clip_norm);
        }
        optimizer.step([&](double factor) { return epoch_learning_rate(c.schedule, c.lr * factor, epoch); });
        // None, as the public code leaves them: what gets no gradient in the next step is not moved by it.
        for (auto& [name, tensor] : model.parameters.of_kind(ParameterKind::trainable))
          tensor.mutable_grad() = at::Tensor();
        ++steps;
      }
      json["steps"].push_back({{"epoch", epoch},
                               {"batch", b},
                               {"loss_div_accum", loss.item<double>()},
                               {"grad_norm_before_clip", norm},
                               {"stepped", steps_now}});
    }
  }
  json["global_step"] = steps;
  NamedTensors out;
  for (const auto& [name, tensor] : weights) out.emplace_back("final." + name, tensor.detach());
  write_safetensors(golden.out_tensors, out);
  write_file_atomic(golden.out_json, json.dump(1) + "\n");
}

}  // namespace pillar::test
