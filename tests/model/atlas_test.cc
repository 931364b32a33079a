#include "pillar/model/atlas.h"

#include "support/atlas_configs.h"
#include "support/expect_error.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/sum.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Trainable {
  AtlasConfig config = test::small_config();
  WeightMap weights;
  explicit Trainable(double drop = 0, double attn_drop = 0, double drop_path = 0) {
    config.drop = drop, config.attn_drop = attn_drop, config.drop_path = drop_path;
    weights = random_weights(config, 11);
    for (auto& [name, tensor] : weights) {
      const bool statistic = name.find("running_") != std::string::npos;
      if (tensor.is_floating_point() && !statistic) tensor.requires_grad_(true);
    }
  }
  Atlas atlas() const { return Atlas(config, "", weights, "random"); }
  std::vector<at::Tensor> leaves() const {
    std::vector<at::Tensor> all;
    for (const auto& [name, tensor] : weights) {
      if (tensor.requires_grad()) all.push_back(tensor);
    }
    return all;
  }
};

at::Tensor image(std::int64_t batch, std::uint64_t seed = 5) {
  return at::rand({batch, 2, 48, 48, 48}, at::detail::createCPUGenerator(seed), at::kFloat);
}

at::Tensor loss_of(const AtlasOutput& out) {
  return (out.readout * at::rand(out.readout.sizes(), at::detail::createCPUGenerator(6), at::kFloat)).sum();
}

std::vector<at::Tensor> gradients(const Trainable& model, const AtlasPass& pass) {
  return torch::autograd::grad({loss_of(model.atlas().forward(image(2), pass))}, model.leaves(), {}, false,
                               false, true);
}

TEST(Atlas, ABatchIsItsSamples) {
  const at::NoGradGuard no_gradients;
  const Trainable model;
  const Atlas atlas = model.atlas();
  const at::Tensor two = image(2);
  const at::Tensor together = atlas.forward(two, AtlasPass()).readout;
  EXPECT_EQ(together.sizes(), (at::IntArrayRef{2, 96}));
  for (std::int64_t b = 0; b < 2; ++b) {
    const at::Tensor alone = atlas.forward(two.narrow(0, b, 1), AtlasPass()).readout;
    EXPECT_TRUE(at::allclose(together.narrow(0, b, 1), alone, 1e-5, 1e-5));
  }
}

TEST(Atlas, CheckpointingGivesTheSameGradients) {
  const Trainable model(0.1, 0.1, 0.2);
  AtlasPass pass;
  pass.execution.gradients = true;
  pass.train = true;
  pass.seed = 3;
  const auto plain = gradients(model, pass);
  pass.checkpoint_blocks = true;
  const auto checkpointed = gradients(model, pass);
  ASSERT_EQ(plain.size(), checkpointed.size());
  int compared = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    ASSERT_EQ(plain[i].defined(), checkpointed[i].defined()) << i;
    if (!plain[i].defined()) continue;
    EXPECT_TRUE(at::allclose(plain[i], checkpointed[i], 1e-4, 1e-5)) << i;
    ++compared;
  }
  EXPECT_GT(compared, 100);
}

TEST(Atlas, TrainingDrawsFollowTheSeed) {
  const Trainable model(0.1, 0.1, 0.2);
  const Atlas atlas = model.atlas();
  const at::Tensor x = image(1);
  AtlasPass pass;
  pass.execution.gradients = true;
  pass.train = true;
  const auto readout = [&](std::uint64_t seed) {
    pass.seed = seed;
    return atlas.forward(x, pass).readout.detach();
  };
  EXPECT_TRUE(at::equal(readout(1), readout(1)));
  EXPECT_FALSE(at::equal(readout(1), readout(2)));
}

TEST(Atlas, TrainingUpdatesBatchStatisticsAndInferenceDoesNot) {
  const at::NoGradGuard no_gradients;
  const Trainable model;
  const Atlas atlas = model.atlas();
  const std::string norm = "visual.patch_embeds.abdomen_ct.conv_down.1";
  const at::Tensor mean = model.weights.at(norm + ".running_mean"),
                   count = model.weights.at(norm + ".num_batches_tracked");
  const at::Tensor before = mean.clone();
  atlas.forward(image(1), AtlasPass());
  EXPECT_TRUE(at::equal(mean, before));
  EXPECT_EQ(count.item<std::int64_t>(), 0);
  AtlasPass pass;
  pass.train = true;
  atlas.forward(image(1), pass);
  EXPECT_FALSE(at::equal(mean, before));
  EXPECT_EQ(count.item<std::int64_t>(), 1);
}

TEST(Atlas, AStepOnTheWeightsIsSeenAtOnce) {
  const at::NoGradGuard no_gradients;
  const Trainable model;
  const Atlas atlas = model.atlas();
  const at::Tensor before = atlas.forward(image(1), AtlasPass()).readout;
  model.weights.at("visual.atlas_models.0.blocks.0.blocks.0.attn.proj.weight").add_(0.1);
  EXPECT_FALSE(at::equal(atlas.forward(image(1), AtlasPass()).readout, before));
}

TEST(Atlas, Bfloat16IsClose) {
  const at::NoGradGuard no_gradients;
  const Trainable model;
  const Atlas atlas = model.atlas();
  AtlasPass pass;
  pass.execution.compute = at::kBFloat16;
  const at::Tensor half = atlas.forward(image(1), pass).pooled,
                   full = atlas.forward(image(1), AtlasPass()).pooled;
  EXPECT_GT((half * full).sum().item<double>(), 0.9995);
}

TEST(Atlas, AnImageOfAnotherSizeIsRefused) {
  const Trainable model;
  const Atlas atlas = model.atlas();
  EXPECT_PILLAR_ERROR(
      atlas.forward(at::rand({1, 2, 48, 48, 42}), AtlasPass()), ErrorCategory::input,
      AllOf(HasSubstr("abdomen_ct"), HasSubstr("(B, 2, 48, 48, 48), not (1, 2, 48, 48, 42)")));
  EXPECT_PILLAR_ERROR(atlas.forward(at::rand({1, 3, 48, 48, 48}), AtlasPass()), ErrorCategory::input,
                      HasSubstr("not (1, 3,"));
  EXPECT_PILLAR_ERROR(atlas.forward(at::rand({2, 48, 48, 48}), AtlasPass()), ErrorCategory::input,
                      HasSubstr("not"));
}

// The pass says whether a backward may follow, whatever mode the caller is in.
TEST(Atlas, GradientsAreWhatThePassSays) {
  const Trainable model;
  const Atlas atlas = model.atlas();
  EXPECT_FALSE(atlas.forward(image(1), AtlasPass()).readout.requires_grad());
  const at::NoGradGuard no_gradients;
  AtlasPass pass;
  pass.execution.gradients = true;
  const at::Tensor readout = atlas.forward(image(1), pass).readout;
  EXPECT_TRUE(readout.requires_grad());
  EXPECT_TRUE(at::allclose(readout, atlas.forward(image(1), AtlasPass()).readout, 1e-5, 1e-5));
}

TEST(Atlas, APassOnAnotherDeviceThanTheWeightsIsRefused) {
  const Trainable model;
  AtlasPass pass;
  pass.execution.device = at::Device(at::kCUDA, 0);
  EXPECT_PILLAR_ERROR(model.atlas().forward(image(1), pass), ErrorCategory::usage,
                      AllOf(HasSubstr("weights are on cpu"), HasSubstr("cuda:0")));
}

TEST(Atlas, PlacesHaveNames) {
  EXPECT_EQ(to_string(AtlasPlace()), "patch_embed");
  EXPECT_EQ(to_string(AtlasPlace{1, 2}), "stage1.scale2");
}

TEST(Atlas, TwoTowersShareTheirStages) {
  const at::NoGradGuard no_gradients;
  AtlasConfig config = test::small_config();
  TowerConfig chest = test::small_tower("chest_ct");
  chest.in_chans = 3;
  config.towers.push_back(chest);
  const WeightMap weights = random_weights(config, 1);
  EXPECT_NO_THROW(Atlas(config, "abdomen_ct", weights, "random").forward(image(1), AtlasPass()));
  const Atlas other(config, "chest_ct", weights, "random");
  EXPECT_EQ(other.forward(at::rand({1, 3, 48, 48, 48}), AtlasPass()).readout.size(1), 96);
  EXPECT_PILLAR_ERROR(Atlas(config, "abdomen", weights, "random"), ErrorCategory::usage,
                      AllOf(HasSubstr("'abdomen'"), HasSubstr("abdomen_ct, chest_ct")));
}

}  // namespace
}  // namespace pillar
