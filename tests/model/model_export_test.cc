#include "pillar/model/model_export.h"

#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/model/model_folder.h"

#include "support/atlas_configs.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <limits>

#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::HasSubstr;

AtlasConfig two_towers() {
  AtlasConfig config = test::small_config();
  config.towers.push_back(test::small_tower("chest_ct"));
  return config;
}

HeadsConfig hazard_heads(std::int64_t years) {
  HeadsConfig heads;
  heads.kind = OutcomeKind::survival;
  for (std::int64_t year = 1; year <= years; ++year) heads.outputs.push_back(fmt::format("year {}", year));
  heads.features = HeadFeatures::attention;
  heads.pool_kernel = 3;
  heads.detection = DetectionHeadConfig{1, 1, 16, 1, 16, 1, 1, 0.1};
  return heads;
}

WeightMap weights_of_two_towers(const std::optional<HeadsConfig>& heads) {
  WeightMap weights = random_weights(two_towers(), 3);
  if (heads) weights.merge(initial_head_weights(two_towers().readout_width(), *heads, 4));
  return weights;
}

// An architecture of two towers, and checkpoints with the names that the public training code gives.
class ModelExport : public ::testing::Test {
 protected:
  ModelExport() {
    Json document = Json::parse(format_atlas_config(two_towers()));
    for (const char* tower : {"abdomen_ct", "chest_ct"})
      document["preprocess"][tower] = {{"windows", "lung,bone"}, {"pad_value", -1}};
    write_file_atomic(architecture_, document.dump(2));
  }

  fs::path checkpoint(const WeightMap& weights) const {
    std::vector<std::pair<std::string, at::Tensor>> tensors;
    for (const auto& [name, tensor] : weights) {
      const bool of_tower = name.starts_with("visual.");
      if (of_tower) tensors.emplace_back("backbone_model." + name, tensor);
      const bool of_head = name.starts_with("pool.") || name.starts_with("head_models.");
      tensors.emplace_back(of_head ? name : "backbone_model.model.model." + name, tensor);
    }
    write_safetensors(dir_ / "seed0.safetensors", tensors, {});
    return dir_ / "seed0.safetensors";
  }

  test::TempDir dir_;
  fs::path architecture_ = dir_ / "architecture.json";
};

TEST_F(ModelExport, AConvertedCheckpointIsAModelOfOneTower) {
  const HeadsConfig heads = hazard_heads(2);
  const WeightMap weights = weights_of_two_towers(heads);
  TowerExport changes;
  changes.tower = "chest_ct";
  changes.pad_value = 0;
  changes.flip_depth = false;
  const ConvertedModel made = convert_model(checkpoint(weights), architecture_, changes);
  EXPECT_EQ(made.tower, "chest_ct");
  EXPECT_EQ(made.spec.pad_value, 0);
  write_checkpoint(dir_ / "model", made.config_json, made.weights);

  const ModelFolder folder = open_model_folder(dir_ / "model");
  ASSERT_EQ(folder.config.towers.size(), 1u);
  const PreprocessSpec spec = folder.preprocessing(folder.config.tower(""));
  EXPECT_EQ(spec.pad_value, 0);
  EXPECT_FALSE(spec.flip_depth);
  EXPECT_EQ(spec.windows, "lung,bone");
  const HeadsConfig read = parse_heads_config(folder.document.get("finetune"));
  EXPECT_EQ(read.kind, OutcomeKind::survival);
  EXPECT_EQ(read.outputs, heads.outputs);
  EXPECT_EQ(read.pool_kernel, 3);
  const WeightMap loaded = load_weights(dir_ / "model");
  const FinetunedModel model(folder.config, "", read, loaded, at::kCPU, "model");
  EXPECT_EQ(loaded.size(), model.weights().size()) << "nothing else is in the file";
  for (const auto& [name, tensor] : loaded) EXPECT_TRUE(at::equal(tensor, weights.at(name))) << name;
  EXPECT_EQ(loaded.count("visual.patch_embeds.abdomen_ct.ds1.norm.weight"), 0u);
  EXPECT_EQ(loaded.count("logit_scale"), 0u);
}

TEST_F(ModelExport, WithoutHeadsThereIsNoBlockOfThem) {
  TowerExport changes;
  changes.tower = "abdomen_ct";
  const ConvertedModel made = convert_model(checkpoint(weights_of_two_towers({})), architecture_, changes);
  EXPECT_FALSE(made.heads);
  EXPECT_FALSE(Json::parse(made.config_json).contains("finetune"));
  EXPECT_EQ(made.spec.pad_value, -1);
}

// Classification heads have no shapes that tell them apart: the architecture must say what they are.
TEST_F(ModelExport, HeadsOfOurOwnAreThoseOfTheConfiguration) {
  HeadsConfig findings;
  findings.outputs = {"effusion", "nodule"};
  const fs::path file = checkpoint(weights_of_two_towers(findings));
  TowerExport changes;
  changes.tower = "abdomen_ct";
  EXPECT_PILLAR_ERROR(convert_model(file, architecture_, changes), ErrorCategory::input,
                      AllOf(HasSubstr("seed0.safetensors"), HasSubstr("\"finetune\"")));
  const std::string with_heads = with_heads_config(read_text_file(architecture_), findings);
  write_file_atomic(architecture_, with_heads);
  EXPECT_EQ(convert_model(file, architecture_, changes).heads->outputs, findings.outputs);
}

TEST_F(ModelExport, WhatDoesNotFitIsNamed) {
  const WeightMap whole = weights_of_two_towers(hazard_heads(2));
  const fs::path file = checkpoint(whole);
  TowerExport changes;
  EXPECT_PILLAR_ERROR(convert_model(file, architecture_, changes), ErrorCategory::usage,
                      AllOf(HasSubstr("abdomen_ct"), HasSubstr("chest_ct")));
  changes.tower = "brain_ct";
  EXPECT_PILLAR_ERROR(convert_model(file, architecture_, changes), ErrorCategory::usage,
                      HasSubstr("brain_ct"));
  changes.tower = "chest_ct";
  EXPECT_PILLAR_ERROR(
      convert_model(checkpoint(random_weights(test::small_config(), 3)), architecture_, changes),
      ErrorCategory::input, AllOf(HasSubstr("seed0.safetensors"), HasSubstr("another architecture")));
  changes.tower = "abdomen_ct";
  WeightMap of_other_width = weights_of_two_towers({});
  of_other_width.at("visual.atlas_models.0.blocks.0.blocks.0.norm1_q.weight") = at::zeros({48});
  EXPECT_PILLAR_ERROR(convert_model(checkpoint(of_other_width), architecture_, changes), ErrorCategory::input,
                      AllOf(HasSubstr("seed0.safetensors"), HasSubstr("[48] expected [32]")));
  EXPECT_PILLAR_ERROR(convert_model(checkpoint({{"conv1.weight", at::zeros({2})}}), architecture_, changes),
                      ErrorCategory::input,
                      AllOf(HasSubstr("another architecture"), HasSubstr("conv1.weight")));
  changes.pad_value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_PILLAR_ERROR(convert_model(checkpoint(whole), architecture_, changes), ErrorCategory::usage,
                      HasSubstr("nan"));
  changes.pad_value = 0;
  EXPECT_PILLAR_ERROR(convert_model(dir_ / "none.ckpt", architecture_, changes), ErrorCategory::io,
                      HasSubstr("none.ckpt"));
}

}  // namespace
}  // namespace pillar
