// Goldens of the heads: attention pool, hazard head, detection head.
#include "tools/parity_finetune_heads.h"

#include "pillar/core/file.h"
#include "pillar/model/head_layers.h"

#include "tools/parity_finetune.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace pillar::test {
namespace {

constexpr std::string_view kParameter = "param.";

DetectionHeadConfig detection_settings(const Config& detr) {
  const Config transformer = detr.get("transformer_kwargs");
  DetectionHeadConfig settings;
  settings.heads = transformer.get("nhead").as_int(settings.heads);
  settings.dropout = transformer.get("dropout").as_double(settings.dropout);
  return settings;
}

void add_outputs(const HeadsRun& run, NamedTensors& out) {
  const PoolOutput& pool = run.pool;
  const std::pair<const char*, at::Tensor> all[] = {
      {"image_attention_1", pool.image_attention_1},
      {"image_attention_softmax_1", pool.image_attention_softmax_1},
      {"multi_image_hidden_1", pool.multi_image_hidden_1},
      {"volume_attention_1", pool.volume_attention_1},
      {"volume_attention_softmax_1", pool.volume_attention_softmax_1},
      {"hidden_1", pool.hidden_1},
      {"multi_image_hidden_2", pool.multi_image_hidden_2},
      {"volume_attention_2", pool.volume_attention_2},
      {"volume_attention_softmax_2", pool.volume_attention_softmax_2},
      {"hidden_2", pool.hidden_2},
      {"maxpool_hidden", pool.maxpool_hidden},
      {"hidden", pool.hidden},
      {"survival", run.survival}};
  for (const auto& [name, tensor] : all) out.emplace_back(std::string("out.") + name, tensor.detach());
  if (!run.detection) return;
  out.emplace_back("out.detr.pred_logits", run.detection->pred_logits.detach());
  out.emplace_back("out.detr.pred_boxes", run.detection->pred_boxes.detach());
  out.emplace_back("out.detr.volume_attention_map", run.detection->volume_attention_map.detach());
}

}  // namespace

HeadsRun run_heads(const SafetensorsFile& golden, const Config& json) {
  HeadsRun run;
  run.activ_bctyx = golden.tensor("in.activ").clone().requires_grad_(true);
  for (const auto& [name, entry] : golden.entries()) {
    if (name.starts_with(kParameter))
      run.weights.emplace(name.substr(kParameter.size()), golden.tensor(name).clone());
  }
  const std::string source = "the golden's weights";
  Parameters parameters;
  const AttentionPool pool(run.weights, source, &parameters);
  const HazardHead hazard(run.weights, source, &parameters);
  const Config config = json.get("config");
  std::optional<DetectionHead> detection;
  if (config.get("detr").exists())
    detection.emplace(detection_settings(config.get("detr")), run.weights, source, &parameters);
  for (auto& [name, tensor] : parameters.of_kind(ParameterKind::trainable)) tensor.requires_grad_(true);
  run.pool = pool(run.activ_bctyx, config.get("conv_pool_stride").as_int(1));
  run.survival = hazard(run.pool.hidden);
  DetectionPass pass;
  pass.execution.gradients = true;
  if (detection) run.detection = (*detection)(run.activ_bctyx, pass);
  return run;
}

namespace {

// The names of what a pass gives, sorted: the public code's detection head runs in "train" and "val".
nlohmann::ordered_json output_names(const NamedTensors& out, bool with_detection) {
  std::vector<std::string> names = {"activ"};
  for (const auto& [name, tensor] : out) {
    if (name.starts_with("out.") && (with_detection || !name.starts_with("out.detr.")))
      names.push_back(name.substr(4));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

void parity_finetune_heads(const FinetuneCase& golden) {
  const SafetensorsFile tensors(golden.tensors);
  const Config json = Config::load(golden.json);
  const HeadsRun run = run_heads(tensors, json);
  NamedTensors out;
  add_outputs(run, out);
  if (run.detection) {
    const at::Tensor& map = run.activ_bctyx;
    const std::int64_t width = run.weights.at("head_models.detr.query_embed.weight").size(1);
    out.emplace_back("aux.pos_embed", detection_positions(map.size(2), map.size(4), width));
  }
  const NamedTensors outputs = out;
  nlohmann::ordered_json values = add_heads_losses(tensors, json, run, out);
  values["keys_split_train"] = values["keys_split_val"] = output_names(outputs, true);
  values["keys_split_test"] = output_names(outputs, false);
  write_safetensors(golden.out_tensors, out);
  write_file_atomic(golden.out_json, values.dump(1) + "\n");
}

}  // namespace pillar::test
