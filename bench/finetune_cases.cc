#include "finetune_cases.h"

#include "pillar/device/device_clock.h"
#include "pillar/model/atlas.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/model/model_folder.h"
#include "pillar/phantom/phantom.h"
#include "pillar/train/detection_loss.h"
#include "pillar/train/layer_decay.h"
#include "pillar/train/losses.h"
#include "pillar/windows/windowed_volume.h"

#include "plain_heads.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/csrc/autograd/autograd.h>
#include <unistd.h>

namespace pillar::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMegabyteOfFinetune = 1048576;
constexpr std::int64_t kYears = 6;
constexpr std::array<std::int64_t, 3> kSmallMap = {16, 16, 32};  // attention of 8,192 tokens is 268 MB

// As Sybil-1.5 has them.
HeadsConfig survival_heads() {
  HeadsConfig heads;
  heads.kind = OutcomeKind::survival;
  for (std::int64_t year = 1; year <= kYears; ++year) heads.outputs.push_back(fmt::format("year {}", year));
  heads.features = HeadFeatures::attention;
  heads.detection = DetectionHeadConfig{};
  return heads;
}

// Survival and detection, one box a sample: what both sides go back from.
at::Tensor step_loss(const at::Tensor& logits, const DetectionOutput& detection) {
  const at::Tensor known = at::ones(logits.sizes(), logits.options().requires_grad(false));
  DetectionTarget target;
  target.labels_n = at::zeros({1}, at::kLong);
  target.boxes_n6 = at::full({1, 6}, 0.5, at::kFloat);
  const DetectionTargets targets(static_cast<std::size_t>(logits.size(0)), target);
  const auto boxes = static_cast<double>(box_count(targets));
  return survival_loss(logits, known, known) + detection_loss(detection, targets, boxes).total;
}

// Work that is queued on a device is done when one of its numbers has come back.
double seconds_after(const at::Tensor& result) {
  if (result.is_cuda()) result.flatten()[0].item();
  return now_seconds();
}

void add_device_peak(at::Device device, Measurement& m) {
  if (!device.is_cuda()) return;
  m.figures.emplace_back("peak_device_mb",
                         static_cast<double>(peak_device_bytes(device)) / kMegabyteOfFinetune);
}

// (B, 1, D, H, W): phantoms, of each the middle that the tower takes.
at::Tensor phantom_batch(const TowerConfig& tower, std::int64_t batch) {
  const auto size = tower.size_dhw();
  PhantomOptions options;
  options.size = *std::max_element(size.begin(), size.end());
  if (tower.modality.find("mr") != std::string::npos) options.modality = Modality::mr;
  std::vector<at::Tensor> volumes;
  for (std::int64_t n = 0; n < batch; ++n) {
    at::Tensor voxels = make_phantom(static_cast<std::uint64_t>(n), options).volume.voxels_dhw;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
      const std::int64_t wanted = size[static_cast<std::size_t>(axis)];
      voxels = voxels.narrow(axis, (voxels.size(axis) - wanted) / 2, wanted);
    }
    volumes.push_back(voxels.contiguous().unsqueeze(0));
  }
  return at::stack(volumes);
}

void require_gradients_of(const Parameters& parameters) {
  for (auto& [name, tensor] : parameters.of_kind(ParameterKind::trainable)) tensor.requires_grad_(true);
}

// Every part of a step in turn, on one process.
class StepParts {
 public:
  explicit StepParts(const FinetuneBenchOptions& options)
      : options_(options),
        folder_(Config::load(options.architecture)),
        config_(parse_atlas_config(folder_)),
        weights_(step_weights(config_, options.device)),
        atlas_(config_, config_.towers.at(0).modality, weights_, "bench"),
        heads_(config_.readout_width(), survival_heads(), weights_, "bench"),
        parameters_(atlas_.parameters()),
        voxels_(phantom_batch(atlas_.tower(), options.batch)),
        windows_(
            tower_windows(parse_preprocess_spec(folder_, atlas_.tower().modality, atlas_.tower().size_dhw()),
                          atlas_.tower())) {
    parameters_.add(heads_.parameters());
    require_gradients_of(parameters_);
    AdamWOptions adamw;
    adamw.by_name = layer_decay(parameters_, {config_.stages, 0.9, 0.05});
    optimiser_ = std::make_unique<AdamW>(parameters_, adamw);
    pass_.atlas.train = pass_.atlas.want_activ = pass_.want_detection = true;
    pass_.atlas.checkpoint_blocks = options.checkpoint_blocks;
    pass_.atlas.execution = {options.device, options.compute, /*gradients=*/true};
  }

  // Seconds of windows, tower, heads, backward and optimiser.
  std::array<double, 5> run(std::int64_t step) {
    std::array<double, 6> at = {now_seconds()};
    const at::Tensor image =
        options_.device.is_cuda()
            ? WindowedVolume::on_cuda(voxels_, windows_, {options_.device, options_.compute, 0, false, {}})
            : WindowedVolume(voxels_, windows_).all_bcdhw(options_.compute);
    at[1] = seconds_after(image);
    pass_.atlas.seed = static_cast<std::uint64_t>(step);
    const AtlasOutput tower = atlas_.forward(image, pass_.atlas);
    at[2] = seconds_after(tower.activ);
    const FinetunedOutput output = heads_(tower, pass_);
    const at::Tensor loss = step_loss(output.logits, *output.detection);
    at[3] = seconds_after(loss);
    torch::autograd::backward({loss}, {});
    const at::Tensor& first = optimiser_->parameters().front().second;
    at[4] = seconds_after(first.grad());
    optimiser_->step(1e-4);
    at[5] = seconds_after(first);
    for (const auto& [name, tensor] : optimiser_->parameters()) tensor.mutable_grad().reset();
    std::array<double, 5> parts = {};
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = at[i + 1] - at[i];
    return parts;
  }

 private:
  static WeightMap step_weights(const AtlasConfig& config, at::Device device) {
    WeightMap weights = random_weights(config, 0);
    weights.merge(initial_head_weights(config.readout_width(), survival_heads(), 0));
    for (auto& [name, tensor] : weights) tensor = tensor.to(device);
    return weights;
  }

  FinetuneBenchOptions options_;
  Config folder_;
  AtlasConfig config_;
  WeightMap weights_;
  Atlas atlas_;
  FinetunedHeads heads_;
  Parameters parameters_;
  at::Tensor voxels_;
  std::vector<Window> windows_;
  std::unique_ptr<AdamW> optimiser_;
  FinetunedPass pass_;
};

constexpr std::array<const char*, 5> kParts = {"windows_s", "tower_s", "heads_s", "backward_s",
                                               "optimiser_s"};

double middle_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

Measurement finetune_step(const FinetuneBenchOptions& options) {
  at::set_num_threads(options.threads);
  StepParts step(options);
  std::array<std::vector<double>, kParts.size()> seconds;
  for (std::int64_t i = 0; i <= options.steps; ++i) {
    const auto parts = step.run(i);
    if (i == 0) continue;  // it also pays for memory that is used for the first time
    for (std::size_t part = 0; part < parts.size(); ++part) seconds[part].push_back(parts[part]);
  }
  Measurement m;
  for (std::size_t part = 0; part < kParts.size(); ++part) {
    m.figures.emplace_back(kParts[part], middle_of(seconds[part]));
    m.seconds += m.figures.back().second;
  }
  m.figures.emplace_back("studies_per_s", static_cast<double>(options.batch) / m.seconds);
  add_device_peak(options.device, m);
  return m;
}

// Of a map at random: both sides read the same.
struct HeadsInput {
  WeightMap weights;
  at::Tensor activ_bctyx;  // (1, C, T, Y, X), a leaf
};

HeadsInput heads_input(const FinetuneBenchOptions& options, const std::array<std::int64_t, 3>& map_tyx) {
  at::set_num_threads(options.threads);
  HeadsInput input;
  input.weights =
      copied_head_weights(initial_head_weights(options.channels, survival_heads(), 0), options.device);
  for (auto& [name, tensor] : input.weights)
    tensor.requires_grad_(name != "head_models.survival.upper_triagular_mask");
  input.activ_bctyx = at::zeros({1, options.channels, map_tyx[0], map_tyx[1], map_tyx[2]}, options.compute);
  const at::NoGradGuard no_gradients;
  auto generator = at::detail::createCPUGenerator(1);
  // A channel at a time, so that nothing else of the map's size is made.
  for (const at::Tensor& channel : input.activ_bctyx[0].unbind(0))
    channel.copy_(at::randn(channel.sizes(), generator, at::TensorOptions(at::kFloat)));
  input.activ_bctyx = input.activ_bctyx.to(options.device);
  input.activ_bctyx.requires_grad_(true);
  return input;
}

using RunHeads = std::function<PlainHeadsOutput(bool train)>;

// Forward and backward in training; before it a forward without dropout, whose answers tell whether both
// sides are the same heads.
Measurement heads_alone(const FinetuneBenchOptions& options, const HeadsInput& input, const RunHeads& run) {
  Measurement m;
  {
    const at::NoGradGuard no_gradients;
    const PlainHeadsOutput answer = run(false);
    m.figures = {{"first_logit", answer.logits[0][0].item<double>()},
                 {"first_box", answer.pred_boxes[0][0][0].item<double>()}};
  }
  const double started = now_seconds();
  const PlainHeadsOutput output = run(true);
  const at::Tensor loss = step_loss(output.logits, {output.pred_logits, output.pred_boxes, {}});
  const double forward_done = seconds_after(loss);
  torch::autograd::backward({loss}, {});
  const double done = seconds_after(input.activ_bctyx.grad());
  m.seconds = done - started;
  m.figures.emplace_back("forward_s", forward_done - started);
  m.figures.emplace_back("backward_s", done - forward_done);
  m.figures.emplace_back("map_mb", static_cast<double>(input.activ_bctyx.nbytes()) / kMegabyteOfFinetune);
  add_device_peak(options.device, m);
  return m;
}

Measurement our_heads(const FinetuneBenchOptions& options, const std::array<std::int64_t, 3>& map_tyx) {
  const HeadsInput input = heads_input(options, map_tyx);
  const FinetunedHeads heads(options.channels, survival_heads(), input.weights, "bench");
  AtlasOutput tower;
  tower.activ = input.activ_bctyx;
  return heads_alone(options, input, [&](bool train) -> PlainHeadsOutput {
    FinetunedPass pass;
    pass.atlas.train = train;
    pass.atlas.execution = {options.device, options.compute, /*gradients=*/train};
    pass.want_detection = true;
    const FinetunedOutput output = heads(tower, pass);
    return {output.logits, output.detection->pred_logits, output.detection->pred_boxes};
  });
}

Measurement plain_heads_alone(const FinetuneBenchOptions& options,
                              const std::array<std::int64_t, 3>& map_tyx) {
  const HeadsInput input = heads_input(options, map_tyx);
  return heads_alone(options, input, [&](bool train) {
    return plain_heads(input.weights, *survival_heads().detection, input.activ_bctyx, train);
  });
}

double physical_memory_bytes() {
  return static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

std::int64_t count_of(const std::array<std::int64_t, 3>& map_tyx) {
  return map_tyx[0] * map_tyx[1] * map_tyx[2];
}

Case heads_case(const FinetuneBenchOptions& options, const std::array<std::int64_t, 3>& map_tyx) {
  const std::int64_t tokens = count_of(map_tyx);
  const double attention_bytes = plain_attention_bytes(*survival_heads().detection, tokens);
  Case c;
  c.name = fmt::format("finetune.heads {} tokens", tokens);
  c.ours = [options, map_tyx] { return our_heads(options, map_tyx); };
  if (attention_bytes < physical_memory_bytes() / 2) {
    c.baseline_what = "LibTorch fp32: every attention a matrix, kept for the backward";
    c.baseline = [options, map_tyx] { return plain_heads_alone(options, map_tyx); };
  }
  c.finish = [tokens, attention_bytes](Json& entry) {
    entry["tokens"] = tokens;
    entry["materialised_attention_mb"] = attention_bytes / kMegabyteOfFinetune;
    if (!entry.contains("baseline")) return;
    for (const char* what : {"first_logit", "first_box"}) {
      entry[fmt::format("{}_difference", what)] =
          std::abs(entry["ours"][what].get<double>() - entry["baseline"][what].get<double>());
    }
  };
  return c;
}

void print_heads(const Json& entry, const char* side) {
  const Json& own = entry[side];
  fmt::print("{:<28} {:<9} {:>9.2f} {:>9.2f} {:>9.0f} {:>10.0f}", entry["name"].get<std::string>(), side,
             own["forward_s"].get<double>(), own["backward_s"].get<double>(), own["map_mb"].get<double>(),
             own["peak_rss_mb"].get<double>());
  if (own.contains("peak_device_mb"))
    fmt::print("  {:.0f} on the device", own["peak_device_mb"].get<double>());
  fmt::print("\n");
}

void print_step(const Json& entry) {
  const Json& own = entry["ours"];
  fmt::print("\n{:<28} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10} {:>9}\n", "seconds a step (median)", "windows",
             "tower", "heads", "backward", "optimiser", "studies/s", "peak MB");
  fmt::print("{:<28}", entry["name"].get<std::string>());
  for (const char* part : kParts) fmt::print(" {:>9.3f}", own[part].get<double>());
  fmt::print(" {:>10.2f} {:>9.0f}", own["studies_per_s"].get<double>(), own["peak_rss_mb"].get<double>());
  if (own.contains("peak_device_mb"))
    fmt::print("  {:.0f} on the device", own["peak_device_mb"].get<double>());
  fmt::print("\n");
}

}  // namespace

std::vector<Case> finetune_cases(const FinetuneBenchOptions& options) {
  Case step;
  step.name = fmt::format("finetune.step {}", options.architecture.stem().string());
  step.ours = [options] { return finetune_step(options); };
  std::vector<Case> cases = {std::move(step)};
  if (count_of(options.tokens) > count_of(kSmallMap)) cases.push_back(heads_case(options, kSmallMap));
  cases.push_back(heads_case(options, options.tokens));
  return cases;
}

void print_finetune_details(const Json& results) {
  print_step(results.front());
  fmt::print("\n{:<28} {:<9} {:>9} {:>9} {:>9} {:>10}\n", "heads alone, a training step", "side", "forward",
             "backward", "map MB", "peak MB");
  for (const Json& entry : results) {
    if (!entry.contains("tokens")) continue;
    for (const char* side : {"ours", "baseline"}) {
      if (entry.contains(side)) print_heads(entry, side);
    }
    if (entry.contains("baseline")) {
      fmt::print("{:<28} both sides agree: logit to {:.1e}, box to {:.1e}\n", "",
                 entry["first_logit_difference"].get<double>(), entry["first_box_difference"].get<double>());
    } else {
      fmt::print("{:<28} attention as matrices would take {:.0f} MB\n", "",
                 entry["materialised_attention_mb"].get<double>());
    }
  }
}

}  // namespace pillar::bench
