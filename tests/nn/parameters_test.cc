#include "pillar/nn/parameters.h"

#include "nn/shared/layers.h"
#include "support/expect_error.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const Parameters& parameters) {
  std::vector<std::string> found;
  for (const Parameter& parameter : parameters) found.push_back(parameter.name);
  return found;
}

TEST(Parameters, StandInTheOrderOfTheirNames) {
  const at::Tensor tensor = at::zeros({1});
  Parameters parameters = {{"b", tensor}, {"a.10", tensor}};
  parameters.add({"a.2", tensor, ParameterKind::buffer});
  EXPECT_THAT(names(parameters), ElementsAre("a.10", "a.2", "b"));
  const NamedTensors trainable = parameters.of_kind(ParameterKind::trainable);
  ASSERT_EQ(trainable.size(), 2u);
  EXPECT_EQ(trainable[0].first, "a.10");
  EXPECT_EQ(parameters.of_kind(ParameterKind::buffer).size(), 1u);
}

TEST(Parameters, AreFoundByTheirNames) {
  const Parameters parameters = {{"a", at::zeros({1})}, {"c", at::zeros({1})}};
  ASSERT_NE(parameters.find("c"), nullptr);
  EXPECT_EQ(parameters.find("c")->name, "c");
  EXPECT_EQ(parameters.find("b"), nullptr);
  EXPECT_EQ(parameters.find("d"), nullptr);
}

TEST(Parameters, WhatTwoNetworksShareIsListedOnce) {
  const at::Tensor shared = at::zeros({1});
  Parameters one = {{"shared", shared}, {"own", at::zeros({1})}};
  one.add(Parameters{{"shared", shared}, {"other", at::zeros({1})}});
  EXPECT_THAT(names(one), ElementsAre("other", "own", "shared"));
}

TEST(Parameters, OneNameForTwoTensorsIsAnError) {
  Parameters parameters = {{"a", at::zeros({1})}};
  EXPECT_PILLAR_ERROR(parameters.add({"a", at::zeros({1})}), ErrorCategory::usage, HasSubstr("called a"));
}

TEST(Scope, ListsWhatALayerReads) {
  const WeightMap weights = {{"net.fc.weight", at::ones({2, 3})},   {"net.fc.bias", at::ones({2})},
                             {"net.norm.weight", at::ones({2})},    {"net.norm.bias", at::ones({2})},
                             {"net.norm.count", at::zeros({})},     {"net.unread.weight", at::ones({2, 2})},
                             {"net.plain.weight", at::ones({1, 2})}};
  Parameters read;
  const Scope net(weights, "net", &read);
  const Linear linear(net / "fc");
  const LayerNorm norm((net / "norm").in_group("norms"), 1e-5);
  const Linear without_bias(net / "plain");
  (net / "norm").in_group("norms").buffer("count");
  EXPECT_THAT(names(read), ElementsAre("net.fc.bias", "net.fc.weight", "net.norm.bias", "net.norm.count",
                                       "net.norm.weight", "net.plain.weight"));
  EXPECT_TRUE(read.find("net.fc.weight")->tensor.is_same(linear.weight));
  EXPECT_EQ(read.find("net.fc.weight")->group, "");
  EXPECT_EQ(read.find("net.norm.bias")->group, "norms");
  EXPECT_EQ(read.find("net.norm.count")->kind, ParameterKind::buffer);
  EXPECT_FALSE(without_bias.bias.defined());
}

TEST(Scope, AWeightThatIsMissingIsNamed) {
  const WeightMap weights;
  EXPECT_PILLAR_ERROR((Scope(weights, "net") / 3).parameter("weight"), ErrorCategory::input,
                      HasSubstr("no tensor net.3.weight"));
  EXPECT_PILLAR_ERROR(Scope(weights).buffer("mean"), ErrorCategory::input, HasSubstr("no tensor mean"));
}

}  // namespace
}  // namespace pillar
