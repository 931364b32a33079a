#include "model/atlas/patch_embed.h"

#include "pillar/model/weights.h"

#include "support/atlas_configs.h"
#include "support/memory_meter.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

constexpr const char* kStemPrefix = "visual.patch_embeds.abdomen_ct";

// A stem of its own weights, whose parameters want gradients.
struct TrainedStem {
  explicit TrainedStem(PatchEmbedKind kind = PatchEmbedKind::volume_666, std::int64_t features = 16) {
    AtlasConfig config = test::small_config();
    config.towers[0].num_features = features;
    config.towers[0].patch_embed = kind;
    if (kind == PatchEmbedKind::volume_884) config.towers[0].patch_size_hwd = {8, 8, 4};
    if (kind == PatchEmbedKind::xray_two_view) config.towers[0].patch_size_hwd = {16, 16, 1};
    for (int a = 0; a < 3; ++a) config.towers[0].image_size_hwd[a] = 8 * config.towers[0].patch_size_hwd[a];
    for (const auto& [name, tensor] : random_weights(config, 3)) {
      if (!name.starts_with(kStemPrefix)) continue;
      const bool learned = tensor.is_floating_point() && name.find("running_") == std::string::npos;
      weights[name] = tensor.clone().requires_grad_(learned);
    }
    embed = PatchEmbed(Scope(weights, kStemPrefix), kind);
  }

  WeightMap weights;
  PatchEmbed embed;
};

StemPass stem_training(bool checkpoint) {
  StemPass pass;
  pass.train = pass.execution.gradients = true;
  pass.checkpoint = checkpoint;
  return pass;
}

at::Tensor stem_image(const Size3& size_dhw = {24, 24, 24}) {
  return at::rand({2, 2, size_dhw[0], size_dhw[1], size_dhw[2]}, at::detail::createCPUGenerator(4));
}

// The tokens after a forward and a backward; gradients and statistics stand in stem.weights.
at::Tensor run_backward(const TrainedStem& stem, const at::Tensor& image, const StemPass& pass) {
  const at::Tensor tokens = stem.embed(image, pass);
  const at::Tensor grad = at::randn(tokens.sizes(), at::detail::createCPUGenerator(5));
  torch::autograd::backward({tokens}, {grad});
  return tokens.detach();
}

// Of everything that a step leaves behind: how far apart two are, as a part of the second's size.
double stem_distance(const at::Tensor& found, const at::Tensor& expected) {
  const double size = at::linalg_vector_norm(expected.to(at::kDouble)).item<double>();
  return at::linalg_vector_norm(found.to(at::kDouble) - expected.to(at::kDouble)).item<double>() /
         std::max(size, 1e-30);
}

void expect_same_bits(const TrainedStem& found, const TrainedStem& expected) {
  for (const auto& [name, tensor] : expected.weights) {
    EXPECT_TRUE(found.weights.at(name).equal(tensor)) << name;
    ASSERT_EQ(found.weights.at(name).grad().defined(), tensor.grad().defined()) << name;
    if (!tensor.grad().defined()) continue;
    EXPECT_TRUE(found.weights.at(name).grad().equal(tensor.grad())) << name;
  }
}

TEST(PatchEmbed, ComputedTwiceItGivesTheSameBits) {
  const std::vector<std::pair<PatchEmbedKind, Size3>> kinds = {
      {PatchEmbedKind::volume_666, {24, 24, 24}},
      {PatchEmbedKind::volume_884, {16, 16, 16}},
      {PatchEmbedKind::xray_two_view, {2, 64, 48}},
  };
  for (const auto& [kind, size] : kinds) {
    for (const at::ScalarType compute : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(testing::Message() << to_string(kind) << " in " << at::toString(compute));
      const TrainedStem plain(kind), twice(kind);
      StemPass pass = stem_training(false);
      pass.execution.compute = compute;
      const at::Tensor expected = run_backward(plain, stem_image(size), pass);
      pass.checkpoint = true;
      EXPECT_TRUE(run_backward(twice, stem_image(size), pass).equal(expected));
      expect_same_bits(twice, plain);
    }
  }
}

TEST(PatchEmbed, ComputedTwiceItMovesItsStatisticsOnceOrNotAtAll) {
  for (const bool update : {true, false}) {
    const TrainedStem stem;
    StemPass pass = stem_training(true);
    pass.update_statistics = update;
    run_backward(stem, stem_image(), pass);
    const at::Tensor count = stem.embed.residual[1].norm2.num_batches_tracked;
    EXPECT_EQ(count.item<std::int64_t>(), update ? 1 : 0);
  }
}

// Every process makes the same calls in the same order: those of the backward follow from the network alone.
TEST(PatchEmbed, ComputedTwiceItSumsOverProcessesAgain) {
  std::vector<at::Tensor> tokens;
  std::vector<std::vector<std::int64_t>> calls(2);
  const TrainedStem plain, twice;
  for (const bool checkpoint : {false, true}) {
    StemPass pass = stem_training(checkpoint);
    pass.sum_over_processes = [&calls, checkpoint](const at::Tensor& own) {
      calls[checkpoint ? 1 : 0].push_back(own.numel());
      return own * 1;
    };
    tokens.push_back(run_backward(checkpoint ? twice : plain, stem_image(), pass));
  }
  EXPECT_TRUE(tokens[1].equal(tokens[0]));
  expect_same_bits(twice, plain);
  EXPECT_EQ(calls[0].size(), 16u);  // two for each of eight norms
  ASSERT_EQ(calls[1].size(), 2 * calls[0].size());
  EXPECT_TRUE(std::equal(calls[0].begin(), calls[0].end(), calls[1].begin()));
}

TEST(PatchEmbed, WithoutGradientsNothingIsKept) {
  const TrainedStem stem;
  StemPass pass = stem_training(true);
  pass.execution.gradients = false;
  const at::NoGradGuard no_gradients;
  EXPECT_FALSE(stem.embed(stem_image(), pass).requires_grad());
}

// What a forward keeps for its backward, and what the two hold at most, in maps of the inner width.
struct StemMemory {
  double kept = 0, peak = 0;
};
StemMemory stem_memory(const StemPass& pass) {
  const TrainedStem stem(PatchEmbedKind::volume_666, 64);
  const at::Tensor image = stem_image({48, 48, 48}).contiguous(at::MemoryFormat::ChannelsLast3d);
  constexpr double kMap = 2.0 * 64 * 16 * 16 * 16 * sizeof(float);
  const test::MemoryMeter meter;
  at::Tensor tokens = stem.embed(image, pass);
  const at::Tensor grad = at::randn(tokens.sizes(), at::detail::createCPUGenerator(5));
  StemMemory memory;
  memory.kept = static_cast<double>(meter.held_bytes()) / kMap;
  torch::autograd::backward({tokens}, {grad});
  memory.peak = static_cast<double>(meter.peak_bytes()) / kMap;
  return memory;
}

TEST(PatchEmbed, ComputedTwiceItKeepsOnlyWhatItsStepsTakeIn) {
  const StemMemory plain = stem_memory(stem_training(false)), twice = stem_memory(stem_training(true));
  EXPECT_GT(plain.kept, 17);   // three of each residual block, two of each step down, and the last norm's
  EXPECT_LT(twice.kept, 5.6);  // five maps, and the tokens
  EXPECT_LT(twice.peak, 0.55 * plain.peak);
}

TEST(PatchEmbed, MapsInBfloat16AreCloseToThoseInFloat32) {
  const TrainedStem exact, wide, narrow;
  StemPass pass = stem_training(false);
  const at::Tensor expected = run_backward(exact, stem_image(), pass);
  pass.execution.compute = at::kBFloat16;
  const at::Tensor as_float = run_backward(wide, stem_image(), pass);
  pass.maps = at::kBFloat16;
  const at::Tensor found = run_backward(narrow, stem_image(), pass);
  EXPECT_EQ(found.scalar_type(), at::kFloat);
  EXPECT_LT(stem_distance(found, expected), 0.02);
  EXPECT_LT(stem_distance(found, expected), 3 * stem_distance(as_float, expected));
  for (const auto& [name, tensor] : exact.weights) {
    const at::Tensor &full = wide.weights.at(name), &half = narrow.weights.at(name);
    EXPECT_EQ(half.scalar_type(), tensor.scalar_type());
    const bool is_statistic = name.find("running_") != std::string::npos;
    EXPECT_LT(is_statistic ? stem_distance(half, tensor) : 0, 0.01) << name;
    // Before a BatchNorm a bias makes no difference: its gradient is rounding alone.
    if (!tensor.grad().defined() || name.ends_with("conv1.bias") || name.ends_with("conv2.bias")) continue;
    EXPECT_LT(stem_distance(half.grad(), tensor.grad()), 0.2) << name;
    EXPECT_LT(stem_distance(half.grad(), tensor.grad()), 3 * stem_distance(full.grad(), tensor.grad()) + 0.01)
        << name;
  }
}

TEST(PatchEmbed, MapsInBfloat16HaveStatisticsInFloat32OverProcessesToo) {
  const TrainedStem alone, together;
  StemPass pass = stem_training(false);
  pass.execution.compute = pass.maps = at::kBFloat16;
  const at::Tensor expected = run_backward(alone, stem_image(), pass);
  pass.sum_over_processes = [](const at::Tensor& own) {
    EXPECT_EQ(own.scalar_type(), at::kFloat);
    return own * 1;
  };
  EXPECT_LT(stem_distance(run_backward(together, stem_image(), pass), expected), 0.01);
}

TEST(PatchEmbed, MapsInBfloat16GiveTheSameBitsComputedTwice) {
  const TrainedStem plain, twice;
  StemPass pass = stem_training(false);
  pass.execution.compute = pass.maps = at::kBFloat16;
  const at::Tensor expected = run_backward(plain, stem_image(), pass);
  pass.checkpoint = true;
  EXPECT_TRUE(run_backward(twice, stem_image(), pass).equal(expected));
  expect_same_bits(twice, plain);
}

}  // namespace
}  // namespace pillar
