// The names and shapes a configuration asks for, and what is said of weights that lack them.
#include "pillar/model/weights.h"

#include "support/atlas_configs.h"
#include "support/expect_error.h"
#include "support/goldens.h"

#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using test::small_config;
using test::small_tower;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

WeightMap empty_weights(const std::vector<WeightSpec>& specs) {
  WeightMap weights;
  for (const WeightSpec& spec : specs) {
    const bool is_count = spec.init == WeightInit::step_count;
    weights.emplace(spec.name, at::zeros(spec.shape, is_count ? at::kLong : at::kFloat));
  }
  return weights;
}

TEST(WeightTable, AgreesWithThePublicCode) {
  PILLAR_NEEDS_GOLDEN("atlas/abdomen_3scale");
  for (const char* name :
       {"abdomen_1scale", "abdomen_2scale_d48", "abdomen_3scale", "chest884_3scale", "cxr_3scale_b2"}) {
    SCOPED_TRACE(name);
    const std::filesystem::path folder = test::golden("atlas") / name;
    const AtlasConfig config = load_atlas_config(folder / "config.json");
    const WeightMap weights = load_weights(folder / "weights.safetensors");
    const TowerConfig& tower = config.tower("");
    const auto expected = expected_weights(config, tower, infer_patch_embed(tower, weights));
    EXPECT_NO_THROW(check_weights(weights, expected, name));
    EXPECT_EQ(expected.size(), weights.size());
  }
}

// The published size of the released abdomen model, text projection and logit_scale apart.
TEST(WeightTable, CountsTheReleasedModel) {
  AtlasConfig config;
  config.stages = {2, 2, 8};
  config.num_heads = 6;
  TowerConfig tower;
  tower.modality = "abdomen_ct";
  tower.image_size_hwd = {384, 384, 384};
  tower.patch_size_hwd = {6, 6, 6};
  tower.in_chans = 11;
  std::int64_t parameters = 0;
  for (const WeightSpec& spec : expected_weights(config, tower, PatchEmbedKind::volume_666)) {
    if (spec.init == WeightInit::step_count || spec.name.find("running_") != std::string::npos) continue;
    parameters += c10::multiply_integers(spec.shape);
  }
  EXPECT_EQ(parameters, 79'377'728);
}

TEST(WeightTable, TwoViewsHaveAPositionEach) {
  TowerConfig tower = small_tower("chest_xray_two_view");
  tower.image_size_hwd = {64, 128, 1};
  tower.patch_size_hwd = {16, 16, 1};
  tower.merge_ratio_dhw = tower.local2global_dhw = {1, 2, 2};
  const WeightMap weights =
      empty_weights(expected_weights(small_config(), tower, PatchEmbedKind::xray_two_view));
  EXPECT_EQ(weights.at("visual.patch_embeds.chest_xray_two_view.pos_embed").sizes(),
            (std::vector<std::int64_t>{1, 2, 32}));
}

TEST(CheckWeights, ListsEveryFaultAtOnce) {
  const AtlasConfig config = small_config();
  const auto expected = expected_weights(config, config.towers[0], PatchEmbedKind::volume_666);
  WeightMap weights = empty_weights(expected);
  weights.emplace("visual.patch_embeds.chest_ct.conv_down.0.weight", at::zeros({1}));
  weights.emplace("pool.hidden_fc.weight", at::zeros({1}));
  weights.emplace("logit_scale", at::zeros({}));
  EXPECT_NO_THROW(check_weights(weights, expected, "a.safetensors"));
  const std::string block = "visual.atlas_models.0.blocks.0.blocks.0.";
  weights.erase(block + "norm2.bias");
  weights.erase("visual.patch_embeds.abdomen_ct.ds1.norm.weight");
  weights[block + "attn.q.weight"] = at::zeros({32, 31});
  weights[block + "attn.q.bias"] = at::zeros({32}, at::kLong);
  weights.emplace("visual.atlas_models.3.x", at::zeros({1}));
  weights.emplace("visual.patch_embeds.abdomen_ct.conv_down.9.weight", at::zeros({1}));
  EXPECT_PILLAR_ERROR(
      check_weights(weights, expected, "a.safetensors"), ErrorCategory::input,
      AllOf(HasSubstr("a.safetensors: "), HasSubstr("2 missing: "), HasSubstr("blocks.0.norm2.bias"),
            HasSubstr("ds1.norm.weight"), HasSubstr("2 surplus: "), HasSubstr("atlas_models.3.x"),
            HasSubstr("abdomen_ct.conv_down.9.weight"), HasSubstr("2 of the wrong shape: "),
            HasSubstr("attn.q.weight [32,31] expected [32,32]"), HasSubstr("attn.q.bias Long expected Float"),
            Not(HasSubstr("chest_ct"))));
}

TEST(CheckWeights, LongListsAreCut) {
  const AtlasConfig config = small_config();
  const auto expected = expected_weights(config, config.towers[0], PatchEmbedKind::volume_666);
  EXPECT_PILLAR_ERROR(check_weights({}, expected, "a"), ErrorCategory::input,
                      HasSubstr(fmt::format("and {} more", expected.size() - 20)));
}

struct KindCase {
  PatchEmbedKind kind;
  const char* modality;
  std::array<std::int64_t, 3> patch_size_hwd;
};

const std::vector<KindCase>& kind_cases() {
  static const std::vector<KindCase> cases = {
      {PatchEmbedKind::volume_666, "abdomen_ct", {6, 6, 6}},
      {PatchEmbedKind::volume_666, "chest_ct", {6, 6, 6}},
      {PatchEmbedKind::volume_884, "chest_ct", {8, 8, 4}},
      {PatchEmbedKind::generic, "abdomen_mr", {8, 8, 6}},
      {PatchEmbedKind::brain, "brain_ct", {8, 8, 4}},
      {PatchEmbedKind::breast_mr, "breast_mr", {12, 12, 6}},
      {PatchEmbedKind::prostate_mr, "prostate_mr", {24, 24, 1}},
      {PatchEmbedKind::xray, "chest_xray_single_view", {16, 16, 1}},
      {PatchEmbedKind::xray_two_view, "chest_xray_two_view", {16, 16, 1}}};
  return cases;
}

// A tower whose pyramid has three scales with any patch.
TowerConfig tower_of(const KindCase& c) {
  TowerConfig tower = small_tower(c.modality);
  const bool flat = c.patch_size_hwd[2] == 1;
  tower.patch_size_hwd = c.patch_size_hwd;
  for (int axis = 0; axis < 3; ++axis) tower.image_size_hwd[axis] = 8 * c.patch_size_hwd[axis];
  if (flat) {
    tower.image_size_hwd[2] = 1;
    tower.merge_ratio_dhw = tower.local2global_dhw = {1, 2, 2};
  }
  if (c.kind == PatchEmbedKind::volume_884) tower.image_size_hwd = {64, 64, 64};
  return tower;
}

TEST(InferPatchEmbed, FindsEveryKind) {
  for (const KindCase& c : kind_cases()) {
    SCOPED_TRACE(to_string(c.kind));
    const TowerConfig tower = tower_of(c);
    const WeightMap weights = empty_weights(expected_weights(small_config(), tower, c.kind));
    EXPECT_EQ(infer_patch_embed(tower, weights), c.kind);
  }
}

TEST(InferPatchEmbed, TheWeightsDecideAndTheOverrideAgrees) {
  TowerConfig tower = tower_of(kind_cases()[2]);  // 884
  const WeightMap weights =
      empty_weights(expected_weights(small_config(), tower, PatchEmbedKind::volume_884));
  tower.patch_embed = PatchEmbedKind::brain;  // of the same shapes
  EXPECT_EQ(infer_patch_embed(tower, weights), PatchEmbedKind::brain);
  tower.patch_embed = PatchEmbedKind::volume_666;
  EXPECT_PILLAR_ERROR(infer_patch_embed(tower, weights), ErrorCategory::input,
                      AllOf(HasSubstr("volume_666 has 2 conv_down"), HasSubstr("weights have 3")));
  tower.patch_embed = PatchEmbedKind::xray_two_view;
  EXPECT_PILLAR_ERROR(infer_patch_embed(tower, weights), ErrorCategory::input, HasSubstr("pos_embed"));
}

TEST(InferPatchEmbed, WhatDoesNotTellIsAnError) {
  TowerConfig tower = tower_of(kind_cases()[2]);
  WeightMap weights = empty_weights(expected_weights(small_config(), tower, PatchEmbedKind::volume_884));
  tower.patch_size_hwd = {4, 4, 4};
  EXPECT_PILLAR_ERROR(infer_patch_embed(tower, weights), ErrorCategory::input,
                      AllOf(HasSubstr("no patch embed has patch_size [4,4,4]"), HasSubstr("3 conv_down"),
                            HasSubstr("volume_884")));
  tower.patch_size_hwd = {6, 6, 6};  // of the embed with two
  EXPECT_PILLAR_ERROR(infer_patch_embed(tower, weights), ErrorCategory::input, HasSubstr("no patch embed"));
  const KindCase nameless = {PatchEmbedKind::volume_884, "thorax", {8, 8, 4}};
  tower = tower_of(nameless);
  weights = empty_weights(expected_weights(small_config(), tower, PatchEmbedKind::volume_884));
  EXPECT_PILLAR_ERROR(infer_patch_embed(tower, weights), ErrorCategory::input,
                      AllOf(HasSubstr("more than one"), HasSubstr("volume_884, brain")));
  tower.modality = "knee_mr";
  EXPECT_PILLAR_ERROR(infer_patch_embed(tower, weights), ErrorCategory::input,
                      HasSubstr("visual.patch_embeds.knee_mr."));
}

}  // namespace
}  // namespace pillar
