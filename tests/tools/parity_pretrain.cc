// Pretraining goldens: steps of the contrastive loss with two linear towers, through the gradient cache,
// AdamW, the schedule and the clamp that a run uses.
#include "pillar/core/config.h"
#include "pillar/core/safetensors.h"
#include "pillar/train/contrastive.h"
#include "pillar/train/optimizer.h"

#include "tools/parity.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/tensor.h>

namespace pillar::test {
namespace {

at::Tensor unit_rows(const at::Tensor& rows) {
  return rows / rows.norm(2, {1}, true).clamp_min(1e-12);
}

struct Case {
  std::int64_t steps, batch, micro_batches;
  ScheduleOptions schedule;
  AdamWOptions adamw;
  double clip_norm = 0;
};

Case read_case(const std::filesystem::path& file) {
  const Config json = Config::load(file);
  const std::vector<double> betas = json.get("betas").as_doubles(2);
  Case c{json.get("steps").as_int(),
         json.get("batch").as_int(),
         json.get("micro_batches").as_int(1),
         {json.get("lr").as_double(), json.get("warmup_steps").as_int(), json.get("total_steps").as_int()},
         {betas[0], betas[1], json.get("eps").as_double(), json.get("weight_decay").as_double()},
         json.get("grad_clip_norm").as_double(0)};
  return c;
}

using Weights = std::map<std::string, at::Tensor>;

ContrastivePart towers(const Case& c, Weights& weights, const at::Tensor& image, const at::Tensor& text) {
  ContrastivePart part;
  part.micro_batches = c.micro_batches;
  part.width = weights.at("visual.weight").size(0);
  part.image_embeddings = [&weights, &c, image](std::int64_t i, bool) {
    const std::int64_t first = i * c.batch / c.micro_batches, end = (i + 1) * c.batch / c.micro_batches;
    return unit_rows(at::linear(image.narrow(0, first, end - first), weights.at("visual.weight"),
                                weights.at("visual.bias")));
  };
  part.text_embeddings = [&weights, text] {
    return unit_rows(at::linear(text, weights.at("text.proj.weight")));
  };
  part.before_last_backward = [] {};
  return part;
}

}  // namespace

void parity_pretrain(const std::filesystem::path& golden_dir, const std::filesystem::path& out) {
  const Case c = read_case(golden_dir / "case.json");
  const SafetensorsFile io(golden_dir / "io.safetensors");
  Weights weights;
  Parameters read;
  for (const char* name : {"visual.weight", "visual.bias", "text.proj.weight", "logit_scale"}) {
    weights[name] = io.tensor(std::string("init.") + name).clone().requires_grad_(true);
    read.add({name, weights[name]});
  }
  AdamW optimizer(read, c.adamw);
  const NamedTensors& parameters = optimizer.parameters();
  const World alone;
  std::vector<double> losses, scales;
  NamedTensors results;
  for (std::int64_t step = 0; step < c.steps; ++step) {
    const ContrastivePart part =
        towers(c, weights, io.tensor("in.image").select(0, step), io.tensor("in.text").select(0, step));
    at::Tensor& scale = weights.at("logit_scale");
    losses.push_back(add_contrastive_gradients({part}, scale, alone).losses.front().item<double>());
    for (const auto& [name, tensor] : parameters)
      results.emplace_back("grad." + std::to_string(step) + "." + name, tensor.grad().clone());
    if (c.clip_norm > 0) clip_gradients(parameters, gradient_norm(parameters), c.clip_norm);
    optimizer.step(learning_rate(c.schedule, step));
    clear_gradients(parameters);
    const at::NoGradGuard no_gradients;
    clamp_logit_scale(scale);
    scales.push_back(scale.item<double>());
  }
  for (const auto& [name, tensor] : parameters) results.emplace_back("final." + name, tensor.detach());
  results.emplace_back("losses", at::tensor(losses).to(at::kFloat));
  results.emplace_back("logit_scale", at::tensor(scales).to(at::kFloat));
  write_safetensors(out, results);
}

}  // namespace pillar::test
