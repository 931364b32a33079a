#include "pillar/core/fail.h"
#include "pillar/model/head_layers.h"

#include "core/shared/joined.h"
#include "device/shared/cuda_tensor.h"
#include "model/heads/detection_layers.h"
#include "model/heads/head_weights.h"
#include "nn/shared/draws.h"

#include <tuple>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

constexpr std::int64_t kWidthStep = 16;  // what the position vector's blocks need
constexpr double kPositionBase = 10000;

// (count, width): sines of places 0, 1, ... at width / 2 frequencies, then cosines. float32 throughout, as
// the public code has it.
at::Tensor sines(std::int64_t count, std::int64_t width) {
  const std::int64_t half = width / 2;
  const at::Tensor powers = at::arange(half, at::kFloat) / static_cast<double>(half);
  const at::Tensor angles =
      at::outer(at::arange(count, at::kFloat), at::pow(kPositionBase, powers).reciprocal());
  return at::cat({angles.sin(), angles.cos()}, 1);
}

}  // namespace

at::Tensor detection_positions(std::int64_t side, std::int64_t frames, std::int64_t width) {
  const std::int64_t temporal = width / 4, spatial = 3 * width / 8;
  const at::Tensor frame = sines(frames, temporal), place = sines(side, spatial);
  const std::vector<std::int64_t> grid = {frames, side, side, -1};
  return at::cat(
             {frame.view({frames, 1, 1, temporal}).expand(grid),
              place.view({1, 1, side, spatial}).expand(grid), place.view({1, side, 1, spatial}).expand(grid)},
             -1)
      .view({-1, width});
}

struct DetectionHead::State {
  State(const Scope& scope, const DetectionHeadConfig& settings) : config(settings) {
    const Scope transformer = scope / "transformer_model";
    for (std::int64_t i = 0; i < config.encoder_layers; ++i)
      encoder.emplace_back(transformer / "encoder" / "layers" / static_cast<std::size_t>(i), config.heads);
    for (std::int64_t i = 0; i < config.decoder_layers; ++i)
      decoder.emplace_back(transformer / "decoder" / "layers" / static_cast<std::size_t>(i), config.heads);
    norm = LayerNorm(transformer / "decoder" / "norm", 1e-5);
    classes = Linear(scope / "class_embed");
    for (const std::size_t n : {0, 3, 6}) boxes.emplace_back(scope / "bbox_embed" / "layers" / n);
    queries = (scope / "query_embed").parameter("weight");
    input_weight = (scope / "input_proj").parameter("weight");
    input_bias = (scope / "input_proj").parameter("bias");
  }
  at::Tensor tokens(const at::Tensor& activ_bctyx) const;
  at::Tensor box_numbers(at::Tensor targets, const DetectionRun& run) const;

  DetectionHeadConfig config;
  std::vector<DetectionEncoderLayer> encoder;
  std::vector<DetectionDecoderLayer> decoder;
  LayerNorm norm;
  Linear classes;
  std::vector<Linear> boxes;
  at::Tensor queries;                   // (queries, width)
  at::Tensor input_weight, input_bias;  // (width, C, 1, 1, 1), (width)
};

// (B, T * Y * X, width) float32. The product is in the map's own type, so that no copy of the map is made.
at::Tensor DetectionHead::State::tokens(const at::Tensor& activ_bctyx) const {
  const at::Tensor map = activ_bctyx.contiguous().flatten(2);
  const at::Tensor weight = input_weight.flatten(1).to(map.scalar_type());
  const at::Tensor projected = at::bmm(weight.expand({map.size(0), -1, -1}), map);
  return projected.transpose(1, 2).to(at::kFloat).contiguous() + input_bias;
}

at::Tensor DetectionHead::State::box_numbers(at::Tensor targets, const DetectionRun& run) const {
  for (std::size_t i = 0; i + 1 < boxes.size(); ++i)
    targets = dropout(at::relu(boxes[i](targets, at::kFloat)), run.dropout, run.draws);
  return at::sigmoid(boxes.back()(targets, at::kFloat));
}

DetectionHead::DetectionHead(const DetectionHeadConfig& known, const WeightMap& weights,
                             const std::string& source, Parameters* list) {
  const WeightMap own = weights_below(weights, "head_models.detr.");
  const DetectionHeadConfig config = detection_config_of(own, known, source);
  check_weights(
      own,
      expected_detection_weights(axis_of(own, "head_models.detr.input_proj.weight", 5, 1, source), config),
      source);
  if (config.width % kWidthStep != 0 || config.heads < 1 || config.width % config.heads != 0) {
    fail(ErrorCategory::input,
         "{}: a detection head of width {} with {} heads: width must be a multiple of {} "
         "and of the heads",
         source, config.width, config.heads, kWidthStep);
  }
  const Scope head = (Scope(weights, "head_models", list) / "detr").in_group("head");
  state_ = std::make_shared<const State>(head, config);
}

DetectionOutput DetectionHead::operator()(const at::Tensor& activ_bctyx, const DetectionPass& pass) const {
  const State& head = *state_;
  const std::int64_t channels = head.input_weight.size(1);
  const bool fits = activ_bctyx.dim() == 5 && activ_bctyx.size(1) == channels && activ_bctyx.numel() > 0 &&
                    activ_bctyx.size(2) == activ_bctyx.size(3) && activ_bctyx.is_floating_point();
  if (!fits) {
    fail(ErrorCategory::input, "the detection head takes maps of (B, {}, T, T, X), not ({})", channels,
         joined(activ_bctyx.sizes(), ", "));
  }
  const at::AutoGradMode mode(pass.execution.gradients);
  DetectionRun run{pass.execution, head.config.dropout, {}, {}};
  if (pass.train) {
    run.seeds = seeded_generator(at::kCPU, pass.seed);
    run.draws =
        pass.execution.device.is_cpu() ? run.seeds : seeded_generator(pass.execution.device, pass.seed);
  }
  const std::int64_t batch = activ_bctyx.size(0), side = activ_bctyx.size(2), frames = activ_bctyx.size(4);
  const at::Tensor positions =
      queued_to(detection_positions(side, frames, head.config.width), activ_bctyx.device());
  DetectionDecoderLayer::Memory memory;
  memory.tokens = head.tokens(activ_bctyx);
  for (const DetectionEncoderLayer& layer : head.encoder)
    memory.tokens = layer(memory.tokens, positions, run);
  memory.placed = memory.tokens + positions;
  at::Tensor targets = at::zeros({batch, head.queries.size(0), head.config.width}, memory.tokens.options());
  at::Tensor weights;
  for (const DetectionDecoderLayer& layer : head.decoder)
    std::tie(targets, weights) = layer(targets, head.queries, memory, run);
  targets = head.norm(targets);
  return {head.classes(targets, at::kFloat), head.box_numbers(targets, run),
          weights.mean(1).view({batch, -1, frames, side, side})};
}

}  // namespace pillar
