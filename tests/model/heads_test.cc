#include "pillar/model/heads.h"

#include "pillar/core/config.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/model/head_layers.h"

#include "model/heads/plane_pool.h"
#include "support/expect_error.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/max.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::int64_t kHeadChannels = 24;

at::Tensor map_of(at::IntArrayRef shape, std::uint64_t seed = 5, at::ScalarType type = at::kFloat) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), type);
}

HeadsConfig survival_heads() {
  HeadsConfig heads;
  heads.kind = OutcomeKind::survival;
  heads.outputs = {"year 1", "year 2", "year 3"};
  heads.features = HeadFeatures::attention;
  heads.pool_kernel = 3;
  heads.detection = DetectionHeadConfig{1, 2, 32, 2, 48, 2, 2, 0.1};
  return heads;
}

WeightMap survival_weights() {
  return initial_head_weights(kHeadChannels, survival_heads(), 11);
}

TEST(PlanePool, EqualsThePlainFormulation) {
  const at::Tensor activ = map_of({2, 5, 3, 4, 6}).requires_grad_(true);
  const at::Tensor weight = map_of({1, 5}, 6).requires_grad_(true),
                   bias = map_of({1}, 7).requires_grad_(true);
  const PooledPlanes pooled = pool_planes(activ, weight, bias);
  const at::Tensor map = activ.flatten(3);
  const at::Tensor scores = (map * weight.view({1, 5, 1, 1})).sum(1) + bias;
  const at::Tensor attention = at::softmax(scores, -1);
  const at::Tensor attended = (map * attention.unsqueeze(1)).sum(-1);
  const at::Tensor maximum = std::get<0>(map.max(-1));
  EXPECT_TRUE(at::allclose(pooled.log_attention, attention.log(), 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(pooled.attended, attended, 1e-5, 1e-5));
  EXPECT_TRUE(at::equal(pooled.maximum, maximum));
  const auto weighted = [](const at::Tensor& logs, const at::Tensor& sums, const at::Tensor& most) {
    return (logs * map_of(logs.sizes(), 8)).sum() + (sums * map_of(sums.sizes(), 9)).sum() +
           (most * map_of(most.sizes(), 10)).sum();
  };
  const auto ours = torch::autograd::grad({weighted(pooled.log_attention, pooled.attended, pooled.maximum)},
                                          {activ, weight, bias});
  const auto plain =
      torch::autograd::grad({weighted(attention.log(), attended, maximum)}, {activ, weight, bias});
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_TRUE(at::allclose(ours[i], plain[i], 1e-4, 1e-5)) << i;
}

// Planes so large that they are worked off one by one.
TEST(PlanePool, BlocksOfPlanesChangeNothing) {
  const at::Tensor activ = map_of({1, 40, 3, 512, 512}), weight = map_of({1, 40}, 6), bias = at::zeros({1});
  const PooledPlanes all = pool_planes(activ, weight, bias);
  const PooledPlanes last = pool_planes(activ.narrow(2, 2, 1), weight, bias);
  EXPECT_TRUE(at::allclose(all.log_attention.narrow(1, 2, 1), last.log_attention, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(all.attended.narrow(2, 2, 1), last.attended, 1e-5, 1e-6));
  EXPECT_TRUE(at::equal(all.maximum.narrow(2, 2, 1), last.maximum));
}

TEST(AttentionPool, MapsOfSixteenBitsArePooledInFloat32) {
  const AttentionPool pool(survival_weights(), "test");
  const at::Tensor half = map_of({2, kHeadChannels, 4, 4, 6}).to(at::kBFloat16);
  const PoolOutput from_half = pool(half), from_float = pool(half.to(at::kFloat));
  EXPECT_EQ(from_half.hidden.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(from_half.hidden, from_float.hidden, 1e-5, 1e-6));
  at::Tensor leaf = half.detach().clone().requires_grad_(true);
  torch::autograd::backward({pool(leaf).hidden.sum()}, {});
  EXPECT_EQ(leaf.grad().scalar_type(), at::kBFloat16);
}

TEST(AttentionPool, GradientsAgreeWithDifferences) {
  const AttentionPool pool(survival_weights(), "test");
  at::Tensor activ = map_of({2, kHeadChannels, 4, 3, 5}, 5, at::kDouble).requires_grad_(true);
  const at::Tensor cotangent = map_of({2, kHeadChannels}, 12, at::kDouble);
  const at::Tensor direction = map_of(activ.sizes(), 13, at::kDouble);
  const auto value = [&](double step) {
    const at::NoGradGuard no_gradients;
    return (pool(activ + direction * step).hidden * cotangent).sum().item<double>();
  };
  torch::autograd::backward({(pool(activ).hidden * cotangent).sum()}, {});
  const double along = (activ.grad() * direction).sum().item<double>();
  EXPECT_NEAR(along, (value(1e-6) - value(-1e-6)) / 2e-6, 1e-6 * std::abs(along) + 1e-6);
}

TEST(AttentionPool, AnEvenKernelGivesOnePositionMore) {
  HeadsConfig heads = survival_heads();
  heads.pool_kernel = 6;
  const AttentionPool pool(initial_head_weights(kHeadChannels, heads, 1), "test");
  const PoolOutput out = pool(map_of({1, kHeadChannels, 4, 4, 4}));
  EXPECT_EQ(out.volume_attention_1.sizes(), at::IntArrayRef({1, 4}));
  EXPECT_EQ(out.volume_attention_2.sizes(), at::IntArrayRef({1, 5}));
}

TEST(AttentionPool, MapsOfAnotherWidthAreRefused) {
  const AttentionPool pool(survival_weights(), "test");
  EXPECT_PILLAR_ERROR(pool(map_of({1, 7, 4, 4, 4})), ErrorCategory::input,
                      AllOf(HasSubstr("24"), HasSubstr("1, 7, 4, 4, 4")));
  EXPECT_PILLAR_ERROR(pool(map_of({kHeadChannels, 4, 4, 4})), ErrorCategory::input, HasSubstr("24, 4, 4, 4"));
}

TEST(HazardHead, LogitsNeverFallFromYearToYear) {
  const HazardHead head(survival_weights(), "test");
  const at::Tensor logits = head(map_of({5, kHeadChannels}));
  ASSERT_EQ(logits.sizes(), at::IntArrayRef({5, 3}));
  EXPECT_TRUE((logits.narrow(1, 1, 2) >= logits.narrow(1, 0, 2)).all().item<bool>());
  EXPECT_PILLAR_ERROR(head(map_of({5, 3})), ErrorCategory::input, HasSubstr("(5, 3)"));
}

TEST(HazardHead, TheMaskIsABuffer) {
  Parameters list;
  const HazardHead head(survival_weights(), "test", &list);
  const Parameter* mask = list.find("head_models.survival.upper_triagular_mask");
  ASSERT_NE(mask, nullptr);
  EXPECT_EQ(mask->kind, ParameterKind::buffer);
  EXPECT_TRUE(at::equal(mask->tensor, at::ones({3, 3}).triu()));
}

TEST(ClassificationHead, DropsByItsSeed) {
  HeadsConfig heads;
  heads.outputs = {"effusion", "nodule"};
  heads.hidden_width = 32;
  const ClassificationHead head(initial_head_weights(kHeadChannels, heads, 2), "test");
  const at::Tensor features = map_of({3, kHeadChannels});
  EXPECT_EQ(head(features).sizes(), at::IntArrayRef({3, 2}));
  EXPECT_TRUE(at::equal(head(features, 0.5, 1), head(features, 0.5, 1)));
  EXPECT_FALSE(at::equal(head(features, 0.5, 1), head(features, 0.5, 2)));
}

TEST(DetectionHead, DropsByItsSeedAndOnlyInTraining) {
  const DetectionHead head(*survival_heads().detection, survival_weights(), "test");
  const at::Tensor activ = map_of({2, kHeadChannels, 4, 4, 3});
  const auto boxes = [&](bool train, std::uint64_t seed) {
    return head(activ, DetectionPass{{}, train, seed}).pred_boxes;
  };
  EXPECT_TRUE(at::equal(boxes(true, 3), boxes(true, 3)));
  EXPECT_FALSE(at::equal(boxes(true, 3), boxes(true, 4)));
  EXPECT_TRUE(at::equal(boxes(false, 3), boxes(false, 4)));
}

// The attention with dropout computes its blocks a second time in the backward.
TEST(DetectionHead, GradientsAgreeWithDifferencesUnderDropout) {
  const DetectionHead head(*survival_heads().detection, survival_weights(), "test");
  DetectionPass pass{{}, true, 9};
  at::Tensor activ = map_of({1, kHeadChannels, 4, 4, 3}).requires_grad_(true);
  const at::Tensor direction = map_of(activ.sizes(), 14);
  const auto score = [&](const at::Tensor& map) {
    const DetectionOutput out = head(map, pass);
    return (out.pred_boxes * map_of(out.pred_boxes.sizes(), 15)).sum() +
           (out.pred_logits * map_of(out.pred_logits.sizes(), 16)).sum();
  };
  const auto value = [&](double step) { return score((activ + direction * step).detach()).item<double>(); };
  const double difference = (value(2e-3) - value(-2e-3)) / 4e-3;
  pass.execution.gradients = true;
  torch::autograd::backward({score(activ)}, {});
  const double along = (activ.grad() * direction).sum().item<double>();
  EXPECT_NEAR(along, difference, 0.02 * std::abs(along) + 1e-3);
}

TEST(DetectionHead, WhatDoesNotFitIsRefused) {
  const DetectionHead head(*survival_heads().detection, survival_weights(), "test");
  EXPECT_PILLAR_ERROR(head(map_of({1, kHeadChannels, 4, 5, 4}), {}), ErrorCategory::input,
                      HasSubstr("1, 24, 4, 5, 4"));
  DetectionHeadConfig config = *survival_heads().detection;
  config.heads = 5;
  EXPECT_PILLAR_ERROR(DetectionHead(config, survival_weights(), "a.pt"), ErrorCategory::input,
                      AllOf(HasSubstr("a.pt"), HasSubstr("5 heads")));
}

TEST(Heads, EveryFaultOfTheirWeightsIsInOneMessage) {
  WeightMap weights = survival_weights();
  weights.erase("pool.hidden_fc.bias");
  weights["head_models.survival.base_hazard_fc.weight"] = at::zeros({1, 3});
  weights["head_models.other.fc.weight"] = at::zeros({1});
  EXPECT_PILLAR_ERROR(FinetunedHeads(kHeadChannels, survival_heads(), weights, "run 7"), ErrorCategory::input,
                      AllOf(HasSubstr("run 7"), HasSubstr("pool.hidden_fc.bias"), HasSubstr("[1,3]"),
                            HasSubstr("head_models.other.fc.weight")));
}

TEST(Heads, ALinearHeadLeavesNoRoomForAPool) {
  HeadsConfig heads;
  heads.outputs = {"effusion"};
  WeightMap weights = initial_head_weights(kHeadChannels, heads, 1);
  weights["pool.hidden_fc.bias"] = at::zeros({kHeadChannels});
  EXPECT_PILLAR_ERROR(FinetunedHeads(kHeadChannels, heads, weights, "run 8"), ErrorCategory::input,
                      HasSubstr("surplus: pool.hidden_fc.bias"));
}

TEST(Heads, MapsAndDetectionsThatAreNotThereAreRefused) {
  const FinetunedHeads heads(kHeadChannels, survival_heads(), survival_weights(), "test");
  AtlasOutput tower;
  tower.readout = map_of({1, kHeadChannels});
  EXPECT_PILLAR_ERROR(heads(tower, {}), ErrorCategory::usage, HasSubstr("maps"));
  HeadsConfig linear;
  linear.outputs = {"effusion"};
  FinetunedPass pass;
  pass.want_detection = true;
  EXPECT_PILLAR_ERROR(
      FinetunedHeads(kHeadChannels, linear, initial_head_weights(kHeadChannels, linear, 1), "t")(tower, pass),
      ErrorCategory::usage, HasSubstr("detection"));
}

TEST(Heads, StartAsLibTorchsLayersDo) {
  const WeightMap weights = survival_weights();
  const auto most = [&](const char* name) { return at::abs(weights.at(name)).max().item<double>(); };
  EXPECT_LE(most("pool.hidden_fc.bias"), 1 / std::sqrt(3.0 * kHeadChannels));
  EXPECT_GT(most("pool.volume_pool2.conv1d.weight"), 0.9 / std::sqrt(3.0 * kHeadChannels));
  EXPECT_LE(most("pool.volume_pool2.conv1d.weight"), 1 / std::sqrt(3.0 * kHeadChannels));
  EXPECT_EQ(most("head_models.detr.transformer_model.decoder.layers.1.self_attn.in_proj_bias"), 0);
  EXPECT_GT(most("head_models.detr.query_embed.weight"), 1);
  EXPECT_TRUE(at::equal(weights.at("pool.hidden_fc.weight"), survival_weights().at("pool.hidden_fc.weight")));
}

TEST(HeadsConfig, ComesBackFromConfigJson) {
  const HeadsConfig heads = survival_heads();
  const std::string text = with_heads_config("{\"model\": {\"stages\": [1]}}", heads);
  const Config document = Config::parse(text, "config.json");
  EXPECT_EQ(document.get("model").get("stages").at(0).as_int(), 1);
  const HeadsConfig back = parse_heads_config(document.get("finetune"));
  EXPECT_EQ(back.kind, heads.kind);
  EXPECT_EQ(back.outputs, heads.outputs);
  EXPECT_EQ(back.features, heads.features);
  EXPECT_EQ(back.pool_kernel, heads.pool_kernel);
  ASSERT_TRUE(back.detection);
  EXPECT_EQ(back.detection->queries, heads.detection->queries);
  EXPECT_EQ(back.detection->feed_forward, heads.detection->feed_forward);
  EXPECT_EQ(back.detection->dropout, heads.detection->dropout);
  EXPECT_EQ(with_heads_config(text, back), text);
}

TEST(HeadsConfig, FaultsNameFileAndKey) {
  const auto parse = [](const std::string& block) {
    return parse_heads_config(Config::parse("finetune: " + block, "c.json").get("finetune"));
  };
  const auto refused = [&](const std::string& block, const std::string& key) {
    EXPECT_PILLAR_ERROR(parse(block), ErrorCategory::input, AllOf(HasSubstr("c.json"), HasSubstr(key)));
  };
  EXPECT_EQ(parse("{kind: multilabel, outputs: [a, b]}").outputs.size(), 2U);
  refused("{kind: regression, outputs: [a]}", "kind");
  refused("{kind: multilabel}", "outputs");
  refused("{kind: multilabel, outputs: [a, a]}", "outputs");
  refused("{kind: multiclass, outputs: [a]}", "outputs");
  refused("{kind: multilabel, outputs: [a], features: pooled}", "features");
  refused("{kind: multilabel, outputs: [a], dropout: 1}", "dropout");
  refused("{kind: multilabel, outputs: [a], hiden_width: 3}", "hidden_width");
  refused("{kind: survival, outputs: [a], hidden_width: 3}", "hidden_width");
  refused("{kind: survival, outputs: [a], detection: {width: 40}}", "width");
  refused("{kind: survival, outputs: [a], detection: {heads: 3}}", "heads");
  EXPECT_PILLAR_ERROR(parse_heads_config(Config::parse("a: 1", "c.json").get("finetune")),
                      ErrorCategory::input, HasSubstr("c.json"));
  EXPECT_PILLAR_ERROR(with_heads_config("[1]", survival_heads()), ErrorCategory::input,
                      HasSubstr("config.json"));
}

TEST(HeadsConfig, IsReadOffReleasedWeights) {
  const HeadsConfig heads = infer_heads_config(survival_weights(), "epoch=2.ckpt");
  EXPECT_EQ(heads.kind, OutcomeKind::survival);
  EXPECT_EQ(heads.outputs, survival_heads().outputs);
  EXPECT_EQ(heads.features, HeadFeatures::attention);
  EXPECT_EQ(heads.pool_kernel, 3);
  ASSERT_TRUE(heads.detection);
  EXPECT_EQ(heads.detection->queries, 2);
  EXPECT_EQ(heads.detection->width, 32);
  EXPECT_EQ(heads.detection->feed_forward, 48);
  EXPECT_EQ(heads.detection->encoder_layers, 2);
  EXPECT_EQ(heads.detection->heads, 1);
  EXPECT_PILLAR_ERROR(infer_heads_config({{"visual.x", at::zeros({1})}}, "epoch=2.ckpt"),
                      ErrorCategory::input, HasSubstr("epoch=2.ckpt"));
}

}  // namespace
}  // namespace pillar
