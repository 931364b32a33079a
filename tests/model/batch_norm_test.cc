#include "model/atlas/patch_embed.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

constexpr std::int64_t kChannels = 5;
constexpr double kEpsilon = 1e-4;

WeightMap weights() {
  const at::Generator draws = at::detail::createCPUGenerator(4);
  return {{"norm.weight", at::randn({kChannels}, draws).requires_grad_(true)},
          {"norm.bias", at::randn({kChannels}, draws).requires_grad_(true)},
          {"norm.running_mean", at::zeros({kChannels})},
          {"norm.running_var", at::ones({kChannels})},
          {"norm.num_batches_tracked", at::zeros({}, at::kLong)}};
}

// A mean far from zero: the sum of squares alone would not do.
at::Tensor input() {
  return (at::randn({3, kChannels, 4, 5, 6}, at::detail::createCPUGenerator(5)) + 20).requires_grad_(true);
}

struct Result {
  WeightMap weights;
  at::Tensor x, y;
};

Result run(const PassOptions& pass) {
  Result result{weights(), input(), {}};
  const BatchNorm norm(Scope(result.weights, "norm"), kEpsilon);
  result.y = norm(result.x, pass);
  torch::autograd::backward(
      {(result.y * at::randn(result.y.sizes(), at::detail::createCPUGenerator(6))).sum()}, {});
  return result;
}

void expect_near(const at::Tensor& a, const at::Tensor& b, const char* what) {
  EXPECT_LE((a - b).abs().max().item<double>(), 2e-5 * (1 + b.abs().max().item<double>())) << what;
}

TEST(BatchNorm, OverProcessesIsBatchNormOverAllTheirSamples) {
  PassOptions plain, summed;
  plain.train = summed.train = true;
  summed.sum_over_processes = [](const at::Tensor& own) { return own; };
  const Result expected = run(plain), found = run(summed);
  expect_near(found.y, expected.y, "output");
  expect_near(found.x.grad(), expected.x.grad(), "gradient of the input");
  for (const char* name : {"norm.weight", "norm.bias"})
    expect_near(found.weights.at(name).grad(), expected.weights.at(name).grad(), name);
  for (const char* name : {"norm.running_mean", "norm.running_var"})
    expect_near(found.weights.at(name), expected.weights.at(name), name);
}

TEST(BatchNorm, APassThatWillBeRunAgainLeavesTheStatisticsAlone) {
  for (const bool over_processes : {false, true}) {
    PassOptions pass, first;
    pass.train = first.train = true;
    first.update_statistics = false;
    if (over_processes)
      pass.sum_over_processes = first.sum_over_processes = [](const at::Tensor& own) { return own; };
    const Result once = run(pass), again = run(first);
    EXPECT_TRUE(again.y.equal(once.y));
    EXPECT_TRUE(again.weights.at("norm.running_mean").equal(at::zeros({kChannels})));
    EXPECT_EQ(again.weights.at("norm.num_batches_tracked").item<std::int64_t>(), 0);
    EXPECT_EQ(once.weights.at("norm.num_batches_tracked").item<std::int64_t>(), 1);
    EXPECT_GT(once.weights.at("norm.running_mean").abs().max().item<double>(), 1);
  }
}

}  // namespace
}  // namespace pillar
