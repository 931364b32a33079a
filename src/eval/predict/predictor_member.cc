#include "eval/predict/predictor_member.h"

#include "pillar/core/fail.h"
#include "pillar/model/activ_tokens.h"
#include "pillar/model/weights.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// Where the model of a run lies.
fs::path model_of(const fs::path& given) {
  std::error_code ignored;
  const fs::path model = exported_model(given);
  if (model != given) return model;
  if (!fs::exists(given, ignored)) fail(ErrorCategory::io, "{}: no such file or folder", given);
  if (fs::is_directory(given, ignored) && !fs::exists(given / "config.json", ignored)) {
    fail(ErrorCategory::input,
         "{}: neither export/config.json, which a finished run of pillar-train finetune has, nor config.json",
         given);
  }
  return given;
}

HeadsConfig heads_of(const ModelFolder& folder) {
  const Config block = folder.document.get("finetune");
  if (!block.exists()) {
    fail(ErrorCategory::input,
         "{}: its config.json has no block \"finetune\", so the model has no heads to answer with; make one "
         "with "
         "pillar-train finetune, or a probe with pillar-eval embed and probe",
         folder.path);
  }
  return parse_heads_config(block);
}

FinetunedHeads load_heads(const ModelFolder& folder, const HeadsConfig& config, const WeightMap& weights,
                          at::Device device) {
  return {folder.config.readout_width(), config, copied_head_weights(weights, device), folder.path.string()};
}

// (B,T,Y,X): where on each plane, times which plane.
at::Tensor attention_of(const PoolOutput& pool) {
  const at::Tensor planes = pool.volume_attention_softmax_1.squeeze(1).unsqueeze(-1).unsqueeze(-1);
  return pool.image_attention_softmax_1.squeeze(2).mul(planes).to(at::kCPU, at::kFloat);
}

at::Tensor tokens_of(const PredictorMember& member, const at::Tensor& attention_btyx) {
  std::vector<at::Tensor> tokens;
  for (const at::Tensor& one : attention_btyx.unbind(0))
    tokens.push_back(activ_to_tokens(one, member.encoder.tower(), member.patch_embed));
  return at::stack(tokens);
}

}  // namespace

fs::path calibration_file(const ModelFolder& folder) {
  return folder.weight_files.front().parent_path() / "calibration.json";
}

CalibrationMap calibration_of(const fs::path& file, const HeadsConfig& heads) {
  CalibrationMap map = read_calibration(file, heads.outputs);
  if (map.kind != heads.kind) {
    fail(ErrorCategory::input, "{}: a calibration of {} outputs, the model's are {}", file,
         to_string(map.kind), to_string(heads.kind));
  }
  return map;
}

PredictorMember load_member(const fs::path& model, const EncoderOptions& options, bool with_calibration) {
  ModelFolder folder = open_model_folder(model_of(model));
  const HeadsConfig config = heads_of(folder);
  Encoder encoder = Encoder::load(folder, options);
  const WeightMap weights = load_weights(folder.path);
  FinetunedHeads heads = load_heads(folder, config, weights, encoder.device());
  const TowerConfig& tower = encoder.tower();
  PreprocessSpec spec = folder.preprocessing(tower);
  std::vector<Window> windows = tower_windows(spec, tower);
  const PatchEmbedKind kind = infer_patch_embed(tower, weights);
  std::optional<CalibrationMap> calibration;
  std::error_code ignored;
  if (with_calibration && fs::exists(calibration_file(folder), ignored))
    calibration = calibration_of(calibration_file(folder), config);
  return {
      model, std::move(folder),  config,          std::move(spec), std::move(windows), std::move(calibration),
      kind,  std::move(encoder), std::move(heads)};
}

MemberAnswer answer_of(const PredictorMember& member, const at::Tensor& voxels_bcdhw, bool want_attention) {
  FinetunedPass pass;
  pass.atlas.execution.device = member.encoder.device();
  pass.atlas.execution.compute = member.encoder.dtype();
  const AtlasOutput features =
      member.encoder.features(voxels_bcdhw, member.windows, member.heads.want_activ(pass.want_detection));
  const FinetunedOutput output = member.heads(features, pass);
  MemberAnswer answer;
  answer.logits_bn = output.logits.to(at::kCPU, at::kFloat).contiguous();
  if (!at::isfinite(answer.logits_bn).all().item<bool>())
    fail(ErrorCategory::input, "{} answers with NaN or infinity", member.path);
  if (want_attention && member.looks()) answer.attention_bdhw = tokens_of(member, attention_of(output.pool));
  return answer;
}

}  // namespace pillar
