#include "nn/shared/attention.h"

#include "support/kernel_places.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

const Execution kInference = {};
const Execution kTraining = {at::kCPU, at::kFloat, true};

struct Problem {
  at::Tensor query;
  std::vector<KeyValuePart> parts;
  std::vector<at::Tensor> leaves() const {
    std::vector<at::Tensor> all = {query};
    for (const KeyValuePart& part : parts) all.insert(all.end(), {part.key, part.value});
    return all;
  }
};

at::Tensor random(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::kFloat).requires_grad_(true);
}

// Twelve windows of 10 queries; keys of their own, then of 4 groups, then of one.
Problem problem() {
  Problem p{random({12, 10, 3, 8}, 1), {}};
  std::uint64_t seed = 2;
  for (const auto& [groups, tokens] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{12, 10}, {4, 7}, {1, 33}}) {
    p.parts.push_back({random({groups, tokens, 3, 8}, seed), random({groups, tokens, 3, 8}, seed + 1)});
    seed += 2;
  }
  return p;
}

// The plain formulation: keys repeated for every window, one softmax over all.
at::Tensor plain_attention(const Problem& p) {
  std::vector<at::Tensor> keys, values;
  for (const KeyValuePart& part : p.parts) {
    const std::int64_t repeats = p.query.size(0) / part.key.size(0);
    keys.push_back(part.key.repeat_interleave(repeats, 0));
    values.push_back(part.value.repeat_interleave(repeats, 0));
  }
  const at::Tensor q = p.query.transpose(1, 2), k = at::cat(keys, 1).transpose(1, 2),
                   v = at::cat(values, 1).transpose(1, 2);
  return at::matmul(at::softmax(at::matmul(q, k.transpose(2, 3)) / std::sqrt(8.0), -1), v).transpose(1, 2);
}

TEST(MergedAttention, EqualsThePlainFormulation) {
  const at::NoGradGuard no_gradients;
  const Problem p = problem();
  EXPECT_TRUE(at::allclose(merged_attention(p.query, p.parts, kInference), plain_attention(p), 1e-5, 1e-6));
}

TEST(MergedAttention, KernelsGiveTheSame) {
  const test::PoisonedMemory poisoned;
  const at::NoGradGuard no_gradients;
  for (const test::KernelPlace& place : test::kernel_places()) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      Problem p = problem();
      const auto move = [&](at::Tensor& x) { x = x.detach().to(place.device, type); };
      move(p.query);
      for (KeyValuePart& part : p.parts) move(part.key), move(part.value);
      const Execution ours = {place.device, type, false, 0, place.kernels};
      const at::Tensor merged = merged_attention(p.query, p.parts, ours);
      Problem exact = p;
      const auto widen = [](at::Tensor& x) { x = x.to(at::kFloat); };
      widen(exact.query);
      for (KeyValuePart& part : exact.parts) widen(part.key), widen(part.value);
      const double tolerance = type == at::kFloat ? 1e-5 : 1e-2;
      EXPECT_TRUE(at::allclose(merged.to(at::kFloat), plain_attention(exact), tolerance, tolerance))
          << place.device << " " << type;
    }
  }
}

TEST(MergedAttention, GradientsEqualThoseOfThePlainFormulation) {
  const Problem p = problem();
  const at::Tensor out = merged_attention(p.query, p.parts, kTraining), plain = plain_attention(p);
  const at::Tensor cotangent = at::randn(out.sizes(), at::detail::createCPUGenerator(9), at::kFloat);
  const auto ours = torch::autograd::grad({out}, p.leaves(), {cotangent});
  const auto reference = torch::autograd::grad({plain}, p.leaves(), {cotangent});
  for (std::size_t i = 0; i < ours.size(); ++i)
    EXPECT_TRUE(at::allclose(ours[i], reference[i], 1e-4, 1e-5)) << i;
}

TEST(MergedAttention, KeepsItsAccuracyWhereOnePartDominates) {
  const at::NoGradGuard no_gradients;
  Problem p = problem();
  p.parts[1].key.mul_(40);  // log-sum-exps far apart
  EXPECT_TRUE(at::allclose(merged_attention(p.query, p.parts, kInference), plain_attention(p), 1e-4, 1e-5));
}

TEST(MergedAttention, Bfloat16IsCloseToFloat) {
  const at::NoGradGuard no_gradients;
  const Problem p = problem();
  std::vector<KeyValuePart> parts;
  for (const KeyValuePart& part : p.parts)
    parts.push_back({part.key.to(at::kBFloat16), part.value.to(at::kBFloat16)});
  const at::Tensor out = merged_attention(p.query.to(at::kBFloat16), parts, {at::kCPU, at::kBFloat16});
  EXPECT_EQ(out.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::allclose(out.to(at::kFloat), plain_attention(p), 2e-2, 2e-2));
}

TEST(MergedAttention, DropoutOfNothingChangesNothing) {
  const Problem p = problem();
  const at::Tensor out =
      merged_attention_with_dropout(p.query, p.parts, 0, at::detail::createCPUGenerator(3));
  EXPECT_TRUE(at::allclose(out, plain_attention(p), 1e-5, 1e-6));
}

TEST(MergedAttention, DropoutKeepsTheMeanAndFollowsItsSeed) {
  const at::NoGradGuard no_gradients;
  const Problem p = problem();
  const auto draw = [&](std::uint64_t seed) {
    return merged_attention_with_dropout(p.query, p.parts, 0.3, at::detail::createCPUGenerator(seed));
  };
  EXPECT_TRUE(at::equal(draw(1), draw(1)));
  EXPECT_FALSE(at::equal(draw(1), draw(2)));
  at::Tensor mean = draw(1);
  constexpr int kDraws = 400;
  for (int i = 2; i <= kDraws; ++i) mean = mean + draw(i);
  EXPECT_TRUE(at::allclose(mean / kDraws, plain_attention(p), 0.1, 0.15));
}

// So many keys that queries go in two blocks.
TEST(AttentionWithDropout, KeepsTheMeanAndRepeatsByItsSeed) {
  const at::Tensor q = random({1, 1500, 1, 4}, 1).detach(), k = random({1, 20000, 1, 4}, 2).detach() * 0.1;
  const at::Tensor v = at::ones({1, 20000, 1, 4});
  const at::Tensor out = attention_with_dropout(q, k, v, 0.5, 7);
  EXPECT_TRUE(at::allclose(out, at::ones_like(out), 0, 0.06));
  EXPECT_FALSE(at::allclose(out, at::ones_like(out), 0, 0.002));
  EXPECT_TRUE(at::equal(out, attention_with_dropout(q, k, v, 0.5, 7)));
  EXPECT_FALSE(at::equal(out, attention_with_dropout(q, k, v, 0.5, 8)));
}

TEST(AttentionWithDropout, GradientsAgreeWithDifferences) {
  const at::Tensor leaves[] = {random({2, 900, 2, 4}, 1), random({2, 9000, 2, 4}, 2),
                               random({2, 9000, 2, 4}, 3)};
  const at::Tensor cotangent = random({2, 900, 2, 4}, 4).detach();
  torch::autograd::backward(
      {(attention_with_dropout(leaves[0], leaves[1], leaves[2], 0.3, 5) * cotangent).sum()}, {});
  const at::NoGradGuard no_gradients;
  for (int moved = 0; moved < 3; ++moved) {
    const at::Tensor direction = random(leaves[moved].sizes(), 6).detach();
    const auto value = [&](double step) {
      at::Tensor x[] = {leaves[0], leaves[1], leaves[2]};
      x[moved] = x[moved] + direction * step;
      return (attention_with_dropout(x[0], x[1], x[2], 0.3, 5) * cotangent).sum(at::kDouble).item<double>();
    };
    const double along = (leaves[moved].grad() * direction).sum(at::kDouble).item<double>();
    EXPECT_NEAR(along, (value(1e-2) - value(-1e-2)) / 2e-2, 0.01 * std::abs(along) + 1e-3) << moved;
  }
}

TEST(AttentionAndWeights, EqualsThePlainFormulation) {
  const at::Tensor q = random({2, 3, 2, 8}, 1), k = random({2, 50, 2, 8}, 2), v = random({2, 50, 2, 8}, 3);
  const WeightedAttention both = attention_and_weights(q, k, v, 0, std::nullopt);
  EXPECT_TRUE(at::allclose(both.out, plain_attention({q, {{k, v}}}), 1e-5, 1e-6));
  EXPECT_EQ(both.weights.sizes(), at::IntArrayRef({2, 2, 3, 50}));
  EXPECT_TRUE(at::allclose(both.weights.sum(-1), at::ones({2, 2, 3})));
}

}  // namespace
}  // namespace pillar
