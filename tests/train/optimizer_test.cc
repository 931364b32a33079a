#include "pillar/train/optimizer.h"

#include "support/expect_error.h"

#include <cmath>

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

at::Tensor parameter(at::IntArrayRef shape, double value, double gradient) {
  at::Tensor tensor = at::full(shape, value, at::kFloat).requires_grad_(true);
  tensor.mutable_grad() = at::full(shape, gradient, at::kFloat);
  return tensor;
}

TEST(LearningRate, WarmsUpThenFollowsACosineToZero) {
  const ScheduleOptions schedule{1e-3, 4, 12};
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 0), 2.5e-4);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 3), 1e-3);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 4), 1e-3);
  EXPECT_NEAR(learning_rate(schedule, 8), 5e-4, 1e-12);
  EXPECT_NEAR(learning_rate(schedule, 11), 1e-3 * 0.5 * (1 + std::cos(M_PI * 7 / 8)), 1e-12);
  EXPECT_EQ(learning_rate(schedule, 12), 0);
  EXPECT_DOUBLE_EQ(learning_rate({1e-3, 0, 10}, 0), 1e-3);
}

TEST(LearningRate, EndsAtTheLeastRate) {
  const ScheduleOptions schedule{1e-3, 4, 12, 1e-4};
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 0), 2.5e-4);
  EXPECT_NEAR(learning_rate(schedule, 8), 5.5e-4, 1e-12);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 12), 1e-4);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 99), 1e-4);
}

TEST(LearningRate, ByEpochsComesBackUpPastTheEnd) {
  const EpochScheduleOptions schedule{2e-5, 4, 50};
  EXPECT_DOUBLE_EQ(epoch_learning_rate(schedule, 1e-5, 0), 2e-6);
  EXPECT_DOUBLE_EQ(epoch_learning_rate(schedule, 1e-5, 4), 1e-5);
  EXPECT_DOUBLE_EQ(epoch_learning_rate(schedule, 1e-5, 50), 2e-5);
  EXPECT_NEAR(epoch_learning_rate(schedule, 1e-5, 60), epoch_learning_rate(schedule, 1e-5, 40), 1e-18);
}

TEST(AdamW, FirstStepMovesByTheRateAgainstTheGradientsSign) {
  at::Tensor weight = parameter({2, 2}, 1, 3);
  AdamW optimizer({{"weight", weight}}, {});
  optimizer.step(0.1);
  EXPECT_NEAR(weight[0][0].item<double>(), 0.9, 1e-6);
}

TEST(AdamW, OnlyMatricesDecay) {
  at::Tensor matrix = parameter({2, 2}, 1, 0), bias = parameter({2}, 1, 0), scale = parameter({}, 1, 0);
  AdamWOptions options;
  options.weight_decay = 0.5;
  AdamW({{"matrix", matrix}, {"bias", bias}, {"logit_scale", scale}}, options).step(0.1);
  EXPECT_NEAR(matrix[0][0].item<double>(), 0.95, 1e-6);
  EXPECT_EQ(bias[0].item<double>(), 1);
  EXPECT_EQ(scale.item<double>(), 1);
}

TEST(AdamW, GroupsHaveTheirOwnDecayAndRate) {
  const auto matrix = [] { return parameter({2, 2}, 1, 0); };
  const at::Tensor decayed = matrix(), slow = matrix(), bias = parameter({2}, 1, 0), usual = matrix();
  AdamWOptions options;
  options.weight_decay = 0.5;
  options.groups = {{"head", 0.1}, {"stage0", 0.5, 0.25}};
  AdamW({{"a", decayed, ParameterKind::trainable, "head"},
         {"b", slow, ParameterKind::trainable, "stage0"},
         {"c", bias, ParameterKind::trainable, "head"},
         {"d", usual, ParameterKind::trainable, "stage1"}},
        options)
      .step(0.1);
  EXPECT_NEAR(decayed[0][0].item<double>(), 1 - 0.1 * 0.1, 1e-6);
  EXPECT_NEAR(slow[0][0].item<double>(), 1 - 0.25 * 0.1 * 0.5, 1e-6);
  EXPECT_EQ(bias[0].item<double>(), 1);
  EXPECT_NEAR(usual[0][0].item<double>(), 1 - 0.1 * 0.5, 1e-6);
}

TEST(AdamW, AGroupThatNobodyIsOfIsAnError) {
  AdamWOptions options;
  options.groups = {{"stage9"}};
  const Parameters parameters = {{"w", parameter({2, 2}, 1, 0), ParameterKind::trainable, "stage0"}};
  EXPECT_PILLAR_ERROR(AdamW(parameters, options), ErrorCategory::usage, testing::HasSubstr("'stage9'"));
}

TEST(AdamW, NamesWinOverGroups) {
  const at::Tensor named = parameter({2}, 1, 0), usual = parameter({2, 2}, 1, 0);
  AdamWOptions options;
  options.weight_decay = 0.5;
  options.groups = {{"head", 0.25}};
  options.by_name = {{"bias", {0.5, 0.1}}};
  AdamW({{"bias", named, ParameterKind::trainable, "head"}, {"w", usual, ParameterKind::trainable, "head"}},
        options)
      .step(0.1);
  EXPECT_NEAR(named[0].item<double>(), 1 - 0.1 * 0.5 * 0.1, 1e-6);
  EXPECT_NEAR(usual[0][0].item<double>(), 1 - 0.1 * 0.25, 1e-6);
}

TEST(AdamW, RatesNeedNotBeTheSameMultipleForAll) {
  const at::Tensor first = parameter({2, 2}, 1, 3), second = parameter({2, 2}, 1, 3);
  AdamWOptions options;
  options.by_name = {{"a", {0.5, 0}}};
  AdamW({{"a", first}, {"b", second}}, options).step([](double factor) { return factor < 1 ? 0.3 : 0.1; });
  EXPECT_NEAR(first[0][0].item<double>(), 0.7, 1e-6);
  EXPECT_NEAR(second[0][0].item<double>(), 0.9, 1e-6);
}

TEST(AdamW, ANameThatNobodyHasIsAnError) {
  AdamWOptions options;
  options.by_name = {{"head.weight", {}}};
  const Parameters parameters = {{"w", parameter({2, 2}, 1, 0)}};
  EXPECT_PILLAR_ERROR(AdamW(parameters, options), ErrorCategory::usage, testing::HasSubstr("'head.weight'"));
}

TEST(AdamW, LeavesBuffersAlone) {
  const at::Tensor weight = parameter({2, 2}, 1, 3), mean = parameter({2, 2}, 1, 3);
  AdamW optimizer({{"weight", weight}, {"mean", mean, ParameterKind::buffer}}, {});
  optimizer.step(0.1);
  EXPECT_EQ(optimizer.parameters().size(), 1u);
  EXPECT_EQ(mean[0][0].item<double>(), 1);
}

TEST(AdamW, LeavesAloneWhatHasNoGradient) {
  at::Tensor weight = at::ones({2, 2}).requires_grad_(true);
  AdamWOptions options;
  options.weight_decay = 0.5;
  AdamW optimizer({{"weight", weight}}, options);
  optimizer.step(0.1);
  EXPECT_TRUE(weight.equal(at::ones({2, 2})));
  EXPECT_EQ(optimizer.state()[2].second.item<double>(), 0);  // its step counter
}

TEST(AdamW, GoesOnFromItsState) {
  at::Tensor whole = parameter({3, 3}, 1, 0.5), resumed = parameter({3, 3}, 1, 0.5);
  AdamW first({{"w", whole}}, {}), second({{"w", resumed}}, {});
  first.step(0.01);
  second.step(0.01);
  AdamW third({{"w", resumed}}, {});
  std::map<std::string, at::Tensor> state;
  for (const auto& [name, tensor] : second.state()) state.emplace(name, tensor.clone());
  third.load_state(state);
  first.step(0.02);
  third.step(0.02);
  EXPECT_TRUE(whole.equal(resumed));
}

TEST(AdamW, AStepThatIsLeftOutChangesNothing) {
  at::Tensor weight = parameter({3, 3}, 1, 0.5), same = parameter({3, 3}, 1, 0.5);
  AdamW optimizer({{"w", weight}}, {}), other({{"w", same}}, {});
  const auto rate = [](double) { return 0.01; };
  optimizer.step(rate, at::ones({}));
  EXPECT_TRUE(weight.equal(at::ones({3, 3})));
  for (const auto& [name, tensor] : optimizer.state())
    EXPECT_EQ(tensor.abs().sum().item<double>(), 0) << name;
  optimizer.step(rate, at::zeros({}));
  other.step(rate);
  EXPECT_TRUE(weight.equal(same));
  EXPECT_EQ(optimizer.state()[2].second.item<double>(), 1);
}

TEST(AdamW, StateOfAnotherShapeIsAnError) {
  AdamW optimizer({{"w", parameter({3, 3}, 1, 0.5)}}, {});
  std::map<std::string, at::Tensor> state = {{"exp_avg.w", at::zeros({2, 2})}};
  EXPECT_PILLAR_ERROR(optimizer.load_state(state), ErrorCategory::input, testing::HasSubstr("exp_avg.w"));
}

TEST(Gradients, AreClippedToTheNormAskedFor) {
  const NamedTensors parameters = {{"a", parameter({4}, 0, 3)}, {"b", parameter({4}, 0, 4)}};
  EXPECT_NEAR(gradient_norm(parameters).item<double>(), 10, 1e-5);
  clip_gradients(parameters, at::full({}, 10, at::kFloat), 20);
  EXPECT_NEAR(gradient_norm(parameters).item<double>(), 10, 1e-5);
  clip_gradients(parameters, at::full({}, 10, at::kFloat), 5);
  EXPECT_NEAR(gradient_norm(parameters).item<double>(), 5, 1e-5);
  clear_gradients(parameters);
  EXPECT_EQ(gradient_norm(parameters).item<double>(), 0);
}

TEST(LossScale, HalvesWhereAGradientOverflowedAndDoublesAfterManyGoodSteps) {
  LossScale scale{8, 0};
  NamedTensors parameters = {{"a", parameter({4}, 0, 16)}};
  scale.unscale(parameters);
  EXPECT_EQ(parameters[0].second.grad()[0].item<double>(), 2);
  scale.good_steps = 1999;
  scale.adjust(true);
  EXPECT_EQ(scale.scale, 16);
  scale.adjust(false);
  EXPECT_EQ(scale.scale, 8);
  EXPECT_EQ(scale.good_steps, 0);
}

TEST(LogitScale, StaysBetweenZeroAndTheLogarithmOfAHundred) {
  at::Tensor high = at::full({}, 9.0, at::kFloat), low = at::full({}, -1.0, at::kFloat);
  clamp_logit_scale(high);
  clamp_logit_scale(low);
  EXPECT_FLOAT_EQ(high.item<float>(), std::log(100.0F));
  EXPECT_EQ(low.item<float>(), 0);
}

}  // namespace
}  // namespace pillar
