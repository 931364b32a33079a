// Internal: one finetuned model that answers.
#pragma once

#include "pillar/metrics/calibration_map.h"
#include "pillar/model/encoder.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/model/model_folder.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct PredictorMember {
  std::filesystem::path path;  // as the user gave it
  ModelFolder folder;
  HeadsConfig heads_config;
  PreprocessSpec spec;
  std::vector<Window> windows;
  std::optional<CalibrationMap> calibration;
  PatchEmbedKind patch_embed = PatchEmbedKind::generic;
  Encoder encoder;
  FinetunedHeads heads;

  bool looks() const { return heads_config.features == HeadFeatures::attention; }
};

struct MemberAnswer {
  at::Tensor logits_bn;       // float32 on the CPU
  at::Tensor attention_bdhw;  // of the finest tokens; undefined if it is not wanted
};

// `model`: a run folder, its export folder, or what open_model_folder() takes. Throws Error(input) for a
// model without the block "finetune".
PredictorMember load_member(const std::filesystem::path& model, const EncoderOptions& options,
                            bool with_calibration);

// The member's own, beside its weights.
std::filesystem::path calibration_file(const ModelFolder& folder);
// read_calibration(), for a model with these heads; throws Error(input) for one of another kind of outcomes.
CalibrationMap calibration_of(const std::filesystem::path& file, const HeadsConfig& heads);

MemberAnswer answer_of(const PredictorMember& member, const at::Tensor& voxels_bcdhw, bool want_attention);

}  // namespace pillar
