// Weights of a model that has not been trained, and the folder they are written to.
#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/model/weights.h"

#include "support/atlas_configs.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>
#include <fstream>

#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using test::small_config;
using test::small_tower;
using test::TempDir;
using ::testing::HasSubstr;

double deviation(const at::Tensor& tensor) {
  return tensor.to(at::kDouble).pow(2).mean().sqrt().item<double>();
}

TEST(RandomWeights, AreWhatTheConfigurationAsksFor) {
  AtlasConfig config = small_config();
  config.towers.push_back(small_tower("chest_ct"));
  const WeightMap weights = random_weights(config, 1);
  for (const TowerConfig& tower : config.towers) {
    const auto expected = expected_weights(config, tower, PatchEmbedKind::volume_666);
    EXPECT_NO_THROW(check_weights(weights, expected, "random"));
  }
  EXPECT_FLOAT_EQ(weights.at("logit_scale").item<float>(), std::log(1 / 0.07f));
}

TEST(RandomWeights, HaveTheSpreadOfTheirLayer) {
  const WeightMap weights = random_weights(small_config(), 7);
  const std::string embed = "visual.patch_embeds.abdomen_ct.", block = "visual.atlas_models.1.blocks.0.";
  EXPECT_NEAR(deviation(weights.at(embed + "conv1.1.conv2.weight")), std::sqrt(2.0 / (16 * 27)), 2e-3);
  const at::Tensor linear = weights.at(block + "blocks.1.mlp.fc1.weight");
  EXPECT_NEAR(deviation(linear), 0.0198, 6e-4);
  EXPECT_LE(linear.abs().max().item<float>(), 0.06f);
  EXPECT_NEAR(linear.mean().item<float>(), 0, 1e-3);
  const at::Tensor position = weights.at(block + "posemb.2.cpb_mlp.0.weight");
  EXPECT_LE(position.abs().max().item<double>(), 1 / std::sqrt(3.0) + 1e-6);
  EXPECT_NEAR(deviation(position), 1.0 / 3, 0.02);
  EXPECT_NEAR(deviation(weights.at(block + "posemb.2.cpb_mlp.0.bias")), 1.0 / 3, 0.03);
  EXPECT_NEAR(deviation(weights.at(block + "posemb.2.cpb_mlp.2.weight")), 1 / std::sqrt(3.0 * 512), 1e-3);
  EXPECT_EQ(deviation(weights.at(embed + "conv1.0.conv1.bias")), 0);
  EXPECT_EQ(deviation(weights.at(embed + "conv_down.1.running_mean")), 0);
  EXPECT_EQ(deviation(weights.at(embed + "conv_down.1.running_var").sub(1)), 0);
  EXPECT_EQ(deviation(weights.at(embed + "ds1.norm.weight").sub(1)), 0);
}

TEST(RandomWeights, DependOnSeedAndNameAlone) {
  AtlasConfig config = small_config();
  const WeightMap once = random_weights(config, 3), other = random_weights(config, 4);
  config.towers.insert(config.towers.begin(), small_tower("chest_ct"));
  const WeightMap again = random_weights(config, 3);
  for (const auto& [name, tensor] : once) EXPECT_TRUE(at::equal(tensor, again.at(name))) << name;
  const std::string q = "visual.atlas_models.0.blocks.0.blocks.0.attn.q.weight";
  EXPECT_FALSE(at::equal(once.at(q), other.at(q)));
  EXPECT_FALSE(at::equal(once.at(q), once.at("visual.atlas_models.0.blocks.0.blocks.1.attn.q.weight")));
  EXPECT_FALSE(at::equal(again.at("visual.patch_embeds.chest_ct.conv_down.0.weight"),
                         again.at("visual.patch_embeds.abdomen_ct.conv_down.0.weight")));
}

TEST(RandomWeights, NeedAKnownPatchEmbed) {
  AtlasConfig config = small_config();
  config.towers[0].patch_size_hwd = {3, 3, 3};
  EXPECT_PILLAR_ERROR(random_weights(config, 1), ErrorCategory::input, HasSubstr("patch_size [3,3,3]"));
}

TEST(WriteCheckpoint, IsReadBackAsItWas) {
  TempDir dir;
  const AtlasConfig config = small_config();
  const WeightMap weights = random_weights(config, 5);
  const std::string json = format_atlas_config(config);
  write_checkpoint(dir / "model", json, weights);
  EXPECT_EQ(read_text_file(dir / "model/config.json"), json);
  const SafetensorsFile file(dir / "model/model.safetensors");
  EXPECT_TRUE(file.contains("model.logit_scale"));
  const WeightMap read = load_weights(dir / "model");
  ASSERT_EQ(read.size(), weights.size());
  for (const auto& [name, tensor] : weights) EXPECT_TRUE(at::equal(tensor, read.at(name))) << name;
  // A second one takes its place, whole.
  write_checkpoint(dir / "model", json, {{"logit_scale", at::zeros({})}});
  EXPECT_EQ(load_weights(dir / "model").size(), 1u);
}

TEST(WriteCheckpoint, FailureLeavesNothing) {
  TempDir dir;
  write_file_atomic(dir / "file", std::string_view("x"));
  EXPECT_PILLAR_ERROR(write_checkpoint(dir / "file/model", "{}", {}), ErrorCategory::io,
                      HasSubstr("file/model"));
  const WeightMap sparse = {{"a", at::zeros({2, 2}).to_sparse()}};
  EXPECT_PILLAR_ERROR(write_checkpoint(dir / "model", "{}", sparse), ErrorCategory::unsupported,
                      HasSubstr("model.a"));
  EXPECT_FALSE(std::filesystem::exists(dir / "model"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

}  // namespace
}  // namespace pillar
