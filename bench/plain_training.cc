#include "plain_training.h"

#include "pillar/device/device_clock.h"
#include "pillar/model/weights.h"

#include "atlas_model.h"
#include "plain_arithmetic.h"
#include "plain_atlas.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace pillar::bench {
namespace {

constexpr std::int64_t kPlainTextWidth = 4096, kJointWidth = 512;
constexpr double kLearningRate = 1e-4, kWeightDecay = 0.05, kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
constexpr double kTemperature = 0.07;

// torch.optim.AdamW's foreach formulation, of parameters that have gradients.
class PlainAdamW {
 public:
  explicit PlainAdamW(std::vector<at::Tensor> parameters) : parameters_(std::move(parameters)) {
    for (const at::Tensor& parameter : parameters_) {
      first_.push_back(at::zeros_like(parameter));
      second_.push_back(at::zeros_like(parameter));
    }
  }

  void step() {
    const at::NoGradGuard no_gradients;
    ++steps_;
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& parameter : parameters_) gradients.push_back(parameter.grad());
    at::_foreach_mul_(parameters_, 1 - kLearningRate * kWeightDecay);
    at::_foreach_lerp_(first_, gradients, 1 - kBeta1);
    at::_foreach_mul_(second_, kBeta2);
    at::_foreach_addcmul_(second_, gradients, gradients, 1 - kBeta2);
    std::vector<at::Tensor> root = at::_foreach_sqrt(second_);
    at::_foreach_div_(root, std::sqrt(1 - std::pow(kBeta2, steps_)));
    at::_foreach_add_(root, kEpsilon);
    at::_foreach_addcdiv_(parameters_, first_, root, -kLearningRate / (1 - std::pow(kBeta1, steps_)));
    for (at::Tensor& parameter : parameters_) parameter.mutable_grad() = at::Tensor();
  }

 private:
  std::vector<at::Tensor> parameters_, first_, second_;
  double steps_ = 0;
};

struct PlainModel {
  const PlainTraining* training;
  PlainHow how;
  WeightMap weights;
  at::Tensor project_image, project_text;  // (joint, readout) and (joint, text)

  // Those that the loss depends on, after a backward.
  std::vector<at::Tensor> parameters() const {
    std::vector<at::Tensor> all = {project_image, project_text};
    for (const auto& [name, tensor] : weights) {
      if (tensor.grad().defined()) all.push_back(tensor);
    }
    return all;
  }

  at::Tensor loss(const at::Tensor& voxels_bcdhw, const at::Tensor& text_bt) const {
    const AtlasConfig& config = training->config;
    const PlainAutocast autocast(training->device, training->dtype);
    DeviceClock not_read(at::kCPU);
    const at::Tensor readout = plain_atlas(voxels_bcdhw, atlas_windows(config.towers[0]), config,
                                           config.towers[0], weights, how, not_read);
    const auto unit = [](const at::Tensor& rows) {
      return rows.to(at::kFloat) / rows.to(at::kFloat).norm(2, {1}, true).clamp_min(1e-12);
    };
    const at::Tensor image = unit(at::linear(readout, project_image)),
                     text = unit(at::linear(text_bt, project_text));
    const at::Tensor logits = at::matmul(image, text.t()).to(at::kFloat) / kTemperature;
    const at::Tensor own = at::arange(logits.size(0), logits.options().dtype(at::kLong));
    return (at::cross_entropy_loss(logits, own) + at::cross_entropy_loss(logits.t(), own)) / 2;
  }
};

PlainModel make_model(const PlainTraining& training) {
  constexpr std::uint64_t kSeed = 1;
  PlainModel model{&training, {training.channels_last, /*training=*/true}, {}, {}, {}};
  model.weights = plain_weights(random_weights(training.config, kSeed), training.device, model.how);
  for (auto& [name, tensor] : model.weights) {
    const bool is_statistic = name.find("running_") != std::string::npos || !tensor.is_floating_point();
    if (!is_statistic) tensor.set_requires_grad(true);
  }
  const auto how = at::TensorOptions().device(training.device);
  model.project_image =
      (at::randn({kJointWidth, training.config.readout_width()}, how) / 32).set_requires_grad(true);
  model.project_text = (at::randn({kJointWidth, kPlainTextWidth}, how) / 64).set_requires_grad(true);
  return model;
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

struct StepTimes {
  std::vector<double> seconds, passes, optimiser;
};

// One step; its times are kept where they count.
void run_step(const PlainModel& model, std::optional<PlainAdamW>& optimiser, const at::Tensor& voxels,
              const at::Tensor& text, StepTimes* times) {
  const double begin = now_seconds();
  DeviceClock clock(model.training->device);
  clock.mark();
  const at::Tensor loss = model.loss(voxels, text.to(model.training->device));
  loss.backward();
  clock.mark();
  if (!optimiser) optimiser.emplace(model.parameters());
  optimiser->step();
  clock.mark();
  loss.item<float>();  // as a program that shows it
  const std::vector<double> laps = clock.laps();
  if (times == nullptr) return;
  times->seconds.push_back(now_seconds() - begin);
  times->passes.push_back(laps[0]);
  times->optimiser.push_back(laps[1]);
}

}  // namespace

Measurement measure_plain_training(const PlainTraining& training) {
  const PlainModel model = make_model(training);
  const Size3 size = training.config.towers[0].size_dhw();
  const at::Tensor voxels =
      at::randint(-1000, 1000, {training.batch, 1, size[0], size[1], size[2]}, at::kShort);
  const at::Tensor text = at::randn({training.batch, kPlainTextWidth});
  std::optional<PlainAdamW> optimiser;
  run_step(model, optimiser, voxels, text, nullptr);
  StepTimes times;
  for (std::int64_t i = 0; i < training.steps; ++i) run_step(model, optimiser, voxels, text, &times);
  Measurement m;
  m.seconds = median_of(times.seconds);
  m.figures = {{"wall_s", m.seconds},
               {"load_wait_s", 0.0},
               {"first_pass_s", 0.0},
               {"loss_s", 0.0},
               {"second_pass_s", median_of(times.passes)},
               {"optimiser_s", median_of(times.optimiser)},
               {"studies_per_s", static_cast<double>(training.batch) / m.seconds}};
  return m;
}

}  // namespace pillar::bench
