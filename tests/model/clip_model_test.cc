#include "pillar/model/clip_model.h"

#include "support/atlas_configs.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>
#include <set>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kTextWidth = 24;

ClipModel model_of(TextProjectionKind kind) {
  const AtlasConfig config = test::small_config();
  return {config, {"abdomen_ct"}, initial_clip_weights(config, kind, kTextWidth, 3), at::kCPU};
}

// The reducer waits for every one of them.
TEST(ClipModel, EveryParameterGetsAGradient) {
  for (const TextProjectionKind kind : {TextProjectionKind::linear, TextProjectionKind::mlp}) {
    const ClipModel model = model_of(kind);
    AtlasPass pass;
    pass.execution.gradients = true;
    pass.train = true;
    const at::Tensor image = at::rand({2, 2, 48, 48, 48}, at::detail::createCPUGenerator(1));
    const at::Tensor text = at::randn({2, kTextWidth}, at::detail::createCPUGenerator(2));
    const at::Tensor scores =
        model.image_embeddings("abdomen_ct", image, pass) * model.text_embeddings(text, at::kFloat);
    torch::autograd::backward({scores.sum()}, {});
    const NamedTensors trainable = model.parameters().of_kind(ParameterKind::trainable);
    for (const auto& [name, parameter] : trainable) {
      EXPECT_EQ(parameter.grad().defined(), name != "logit_scale") << name;
    }
    EXPECT_EQ(model.parameters_of(0).size() + 1, trainable.size());
  }
}

TEST(ClipModel, SharedStagesBelongToTheLastTower) {
  AtlasConfig config = test::small_config();
  config.towers.push_back(test::small_tower("chest_ct"));
  config.towers.back().patch_embed = PatchEmbedKind::volume_666;
  const WeightMap weights = initial_clip_weights(config, TextProjectionKind::linear, kTextWidth, 3);
  const ClipModel model(config, {"abdomen_ct", "chest_ct"}, weights, at::kCPU);
  std::set<const void*> seen;
  for (const std::size_t tower : {0, 1}) {
    for (const at::Tensor& parameter : model.parameters_of(tower)) {
      EXPECT_TRUE(seen.insert(parameter.const_data_ptr()).second);
    }
  }
  EXPECT_EQ(seen.size() + 1, model.parameters().of_kind(ParameterKind::trainable).size());
  EXPECT_GT(model.parameters_of(1).size(), model.parameters_of(0).size());
}

TEST(ClipModel, OnlyWhatIsTrainedRequiresGradients) {
  const ClipModel model = model_of(TextProjectionKind::linear);
  std::set<std::string> groups, required;
  for (const Parameter& parameter : model.parameters()) {
    EXPECT_EQ(parameter.tensor.requires_grad(), parameter.kind == ParameterKind::trainable) << parameter.name;
    EXPECT_TRUE(parameter.tensor.is_same(model.weights().at(parameter.name))) << parameter.name;
    groups.insert(parameter.group);
  }
  EXPECT_THAT(groups,
              testing::ElementsAre("logit_scale", "patch_embed", "stage0", "stage1", "stage2", "text"));
  // Released layouts hold tensors that no stage reads: these are no parameters.
  EXPECT_LT(model.parameters().size(), model.weights().size());
  EXPECT_EQ(model.parameters().find("visual.atlas_models.2.blocks.0.blocks.2.norm2.weight"), nullptr);
  EXPECT_EQ(model.parameters().find("visual.patch_embeds.abdomen_ct.conv_down.1.running_mean")->kind,
            ParameterKind::buffer);
}

TEST(ClipModel, RowsAreUnitVectors) {
  const at::NoGradGuard no_gradients;
  const ClipModel model = model_of(TextProjectionKind::mlp);
  const at::Tensor rows = model.text_embeddings(at::randn({5, kTextWidth}), at::kBFloat16);
  EXPECT_EQ(rows.scalar_type(), at::kFloat);
  EXPECT_EQ(rows.size(1), model.readout_width());
  EXPECT_TRUE(at::allclose(rows.norm(2, {1}), at::ones({5}), 1e-5, 1e-5));
}

TEST(InitialWeights, TakeWhatFitsAndSayWhat) {
  const test::TempDir dir;
  const AtlasConfig config = test::small_config();
  WeightMap other = random_weights(config, 8);
  other["visual.patch_embeds.abdomen_ct.conv_down.0.weight"] = at::zeros({64, 5, 3, 3, 3});
  other["head.weight"] = at::zeros({3, 3});
  write_checkpoint(dir / "other", "{}", other);
  WeightMap weights = initial_clip_weights(config, TextProjectionKind::linear, kTextWidth, 3);
  const WeightMap before = weights;
  const InitReport report = take_fitting_weights(weights, dir / "other");
  EXPECT_THAT(report.other_shape, testing::ElementsAre("visual.patch_embeds.abdomen_ct.conv_down.0.weight"));
  EXPECT_THAT(report.not_there, testing::ElementsAre("text.proj.weight"));
  EXPECT_THAT(report.unused, testing::ElementsAre("head.weight"));
  const std::string name = "visual.atlas_models.0.blocks.0.blocks.0.attn.q.weight";
  EXPECT_TRUE(weights.at(name).equal(other.at(name)));
  EXPECT_TRUE(weights.at("text.proj.weight").equal(before.at("text.proj.weight")));
  EXPECT_THAT(report.table(), HasSubstr("visual.atlas_models.0"));
}

TEST(InitialWeights, ACheckpointOfSomethingElseIsAnError) {
  const test::TempDir dir;
  write_checkpoint(dir / "other", "{}", {{"head.weight", at::zeros({3, 3})}});
  WeightMap weights = initial_clip_weights(test::small_config(), TextProjectionKind::linear, kTextWidth, 3);
  EXPECT_PILLAR_ERROR(take_fitting_weights(weights, dir / "other"), ErrorCategory::input,
                      HasSubstr("nothing in it fits"));
}

}  // namespace
}  // namespace pillar
