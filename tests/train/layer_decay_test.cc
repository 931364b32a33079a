#include "pillar/train/layer_decay.h"

#include "support/expect_error.h"

#include <cmath>

#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

TEST(LayerDecay, LayersCountFromTheInputWhateverThePrefix) {
  const std::vector<std::int64_t> stages = {2, 2, 8, 3};
  EXPECT_EQ(layer_id("visual.patch_embeds.chest_ct.conv_down.0.weight", stages), 0);
  EXPECT_EQ(layer_id("logit_scale", stages), 0);
  EXPECT_EQ(layer_id("visual.atlas_models.0.blocks.0.blocks.0.norm2.bias", stages), 0);
  EXPECT_EQ(
      layer_id("backbone_model.model.model.visual.atlas_models.1.blocks.1.blocks.0.attn.q.weight", stages),
      3);
  EXPECT_EQ(layer_id("visual.atlas_models.2.blocks.7.blocks.2.mlp.fc1.weight", stages), 11);
  EXPECT_EQ(layer_id("visual.atlas_models.3.blocks.2.blocks.0.mlp.fc1.weight", stages), 14);
  EXPECT_EQ(layer_id("visual.atlas_models.3.norm.weight", stages), 16);
  EXPECT_EQ(layer_id("pool.hidden_fc.weight", stages), 16);
}

TEST(LayerDecay, BlocksThatAreNotThereAreAnError) {
  EXPECT_PILLAR_ERROR(layer_id("visual.atlas_models.2.blocks.0.norm.weight", {2, 2}), ErrorCategory::usage,
                      testing::HasSubstr("atlas_models.2"));
  EXPECT_PILLAR_ERROR(layer_id("visual.atlas_models.0.blocks.2.norm.weight", {2, 2}), ErrorCategory::usage,
                      testing::HasSubstr("blocks.2"));
}

TEST(LayerDecay, ScalarsDecayOnlyAsInThePublicCode) {
  LayerDecayOptions options{{2, 2, 8}, 0.9, 0.05};
  EXPECT_NEAR(layer_options("logit_scale", 0, options).lr_factor, std::pow(0.9, 13), 1e-15);
  EXPECT_EQ(layer_options("logit_scale", 0, options).weight_decay, 0);
  EXPECT_EQ(layer_options("pool.hidden_fc.bias", 1, options).weight_decay, 0);
  EXPECT_EQ(layer_options("pool.hidden_fc.weight", 2, options).weight_decay, 0.05);
  options.public_scalar_decay = true;
  EXPECT_EQ(layer_options("logit_scale", 0, options).weight_decay, 0.05);
  EXPECT_EQ(layer_options("pool.hidden_fc.bias", 1, options).weight_decay, 0);
}

TEST(LayerDecay, EveryTrainableTensorIsNamed) {
  const Parameters parameters = {{"visual.patch_embeds.a.weight", at::zeros({2, 2})},
                                 {"head.weight", at::zeros({2, 2})},
                                 {"head.mean", at::zeros({2}), ParameterKind::buffer}};
  const auto by_name = layer_decay(parameters, {{1}, 0.5, 0.1});
  ASSERT_EQ(by_name.size(), 2u);
  EXPECT_EQ(by_name.at("visual.patch_embeds.a.weight").lr_factor, 0.25);
  EXPECT_EQ(by_name.at("head.weight").lr_factor, 1);
  for (const double decay : {0.0, 1.5, std::nan("")}) {
    EXPECT_PILLAR_ERROR(layer_decay(parameters, {{1}, decay, 0}), ErrorCategory::usage,
                        testing::HasSubstr("layer decay"));
  }
}

TEST(LayerDecay, GroupsComeInTheOrderOfFirstAppearance) {
  const auto groups = layer_groups({{"b", {1, 0}}, {"a", {0.5, 0}}, {"c", {1, 0}}, {"d", {1, 0.1}}});
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].names, (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(groups[1].names, (std::vector<std::string>{"a"}));
  EXPECT_EQ(groups[2].options.weight_decay, 0.1);
}

}  // namespace
}  // namespace pillar
