// Atlas goldens: every tensor of the forward pass, and gradients of a weighted sum of the readout.
#include "pillar/core/config.h"
#include "pillar/core/safetensors.h"
#include "pillar/model/atlas.h"

#include "tools/parity.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/sum.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar::test {
namespace {

struct Golden {
  AtlasConfig config;
  std::string modality, prefix;  // of weight names in the file
  WeightMap weights;
};

Golden load(const std::filesystem::path& dir) {
  const Config file = Config::load(dir / "config.json");
  Golden golden{parse_atlas_config(file), file.get("golden").get("modality").as_string(""), "model.",
                load_weights(dir / "weights.safetensors")};
  const std::string visual = file.get("golden").get("weights_prefix").as_string("model.visual.");
  golden.prefix = visual.substr(0, visual.size() - std::string("visual.").size());
  for (auto& [name, tensor] : golden.weights) tensor = tensor.clone();  // the mapped file is read-only
  return golden;
}

}  // namespace

void parity_atlas(const std::filesystem::path& golden_dir, const std::filesystem::path& out) {
  const at::NoGradGuard no_gradients;
  const Golden golden = load(golden_dir);
  const Atlas atlas(golden.config, golden.modality, golden.weights, golden_dir.string());
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  AtlasPass pass;
  pass.want_activ = true;
  pass.observe = [&](const AtlasPlace& place, const at::Tensor& t) {
    tensors.emplace_back(to_string(place), t.clone());
  };
  const AtlasOutput output =
      atlas.forward(SafetensorsFile(golden_dir / "io.safetensors").tensor("image"), pass);
  tensors.emplace_back("readout", output.readout);
  tensors.emplace_back("pooled", output.pooled);
  tensors.emplace_back("activ", output.activ);
  write_safetensors(out, tensors);
}

void parity_atlas_grads(const std::filesystem::path& golden_dir, const std::filesystem::path& out) {
  Golden golden = load(golden_dir);
  for (auto& [name, tensor] : golden.weights) {
    const bool statistic = name.find(".running_") != std::string::npos;
    if (tensor.is_floating_point() && !statistic) tensor.requires_grad_(true);
  }
  const Atlas atlas(golden.config, golden.modality, golden.weights, golden_dir.string());
  AtlasPass pass;
  pass.execution.gradients = true;
  const AtlasOutput output =
      atlas.forward(SafetensorsFile(golden_dir / "io.safetensors").tensor("image"), pass);
  const at::Tensor cotangent = SafetensorsFile(golden_dir / "grads.safetensors").tensor("readout_cotangent");
  const at::Tensor loss = (output.readout * cotangent).sum();
  torch::autograd::backward({loss}, {});
  std::vector<std::pair<std::string, at::Tensor>> tensors = {{"loss", loss.detach()}};
  for (const auto& [name, tensor] : golden.weights) {
    if (tensor.grad().defined()) tensors.emplace_back("grad." + golden.prefix + name, tensor.grad());
  }
  write_safetensors(out, tensors);
}

}  // namespace pillar::test
