// The layer norm's kernel and LibTorch's operators, both against the definition in float64.
#include "nn/shared/layers.h"
#include "support/kernel_places.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::kFloat);
}

LayerNorm norm_of(std::int64_t width, const at::Device& device) {
  LayerNorm norm;
  norm.weight = (normal({width}, 1) * 0.3 + 1).to(device);
  norm.bias = (normal({width}, 2) * 0.2).to(device);
  norm.epsilon = 1e-5;
  return norm;
}

at::Tensor exact(const LayerNorm& norm, const at::Tensor& x) {
  return at::layer_norm(x.to(at::kDouble), {x.size(-1)}, norm.weight.to(at::kDouble),
                        norm.bias.to(at::kDouble), norm.epsilon);
}

double error(const at::Tensor& found, const at::Tensor& expected) {
  const auto length = [](const at::Tensor& x) { return at::linalg_vector_norm(x).item<double>(); };
  return length(found.to(at::kDouble) - expected) / length(expected);
}

// What rounding to the type alone costs, with room for the sums.
double tolerance(at::ScalarType type) {
  if (type == at::kBFloat16) return 2.5e-3;
  return type == at::kHalf ? 3e-4 : 3e-7;
}

std::vector<Execution> executions(const test::KernelPlace& place) {
  std::vector<Execution> all;
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    Execution execution;
    execution.device = place.device, execution.compute = type, execution.kernels = place.kernels;
    all.push_back(execution);
    execution.kernels = nullptr;
    all.push_back(execution);
  }
  return all;
}

TEST(LayerNormKernel, IsTheDefinition) {
  const test::PoisonedMemory poisoned;
  for (const test::KernelPlace& place : test::kernel_places()) {
    for (const Execution& execution : executions(place)) {
      // A row in part of a warp, in a whole one, in several; the widest; one that only LibTorch takes.
      for (const std::int64_t width : {4, 64, 192, 384, 1024, 1028, 30}) {
        SCOPED_TRACE(fmt::format("{} {} {}", width, at::toString(execution.compute), place.device.str()));
        const LayerNorm norm = norm_of(width, place.device);
        const at::Tensor x = (normal({3, 37, width}, 3) * 2 + 5).to(place.device);
        const at::Tensor found = norm(x, execution);
        EXPECT_EQ(found.scalar_type(), execution.compute);
        EXPECT_LE(error(found, exact(norm, x)), tolerance(execution.compute));
        const at::Tensor narrow = x.to(execution.compute);
        EXPECT_LE(error(norm(narrow, execution), exact(norm, narrow)), tolerance(execution.compute));
      }
    }
  }
}

TEST(LayerNormKernel, KeepsTheSum) {
  const test::PoisonedMemory poisoned;
  for (const test::KernelPlace& place : test::kernel_places()) {
    for (const Execution& execution : executions(place)) {
      SCOPED_TRACE(fmt::format("{} {}", at::toString(execution.compute), place.device.str()));
      const LayerNorm norm = norm_of(96, place.device);
      const at::Tensor x = normal({2, 100, 96}, 4).to(place.device);
      const at::Tensor delta = normal({2, 100, 96}, 5).to(place.device, execution.compute);
      const auto [sum, normed] = norm.of_sum(x, delta, execution);
      EXPECT_TRUE(at::equal(sum, x + delta.to(at::kFloat)));
      EXPECT_LE(error(normed, exact(norm, sum)), tolerance(execution.compute));
      EXPECT_TRUE(at::equal(x.cpu(), normal({2, 100, 96}, 4))) << "x is not written to";
    }
  }
}

// A large mean must not cost the variance, and a row of equal numbers is no division by zero.
TEST(LayerNormKernel, HasNoCancellation) {
  const test::PoisonedMemory poisoned;
  for (const test::KernelPlace& place : test::kernel_places()) {
    const Execution execution = executions(place).front();
    const LayerNorm norm = norm_of(128, place.device);
    const at::Tensor far = (normal({50, 128}, 6) + 3000).to(place.device);
    EXPECT_LE(error(norm(far, execution), exact(norm, far)), 2e-4);
    const at::Tensor flat = at::full({2, 128}, 7.5, far.options());
    EXPECT_TRUE(at::isfinite(norm(flat, execution)).all().item<bool>());
  }
}

TEST(LayerNormKernel, ViewsAreReadAsTheyLook) {
  for (const test::KernelPlace& place : test::kernel_places()) {
    const Execution execution = executions(place).front();
    const LayerNorm norm = norm_of(16, place.device);
    const at::Tensor turned = normal({16, 9}, 7).to(place.device).t();
    EXPECT_TRUE(at::equal(norm(turned, execution), norm(turned.contiguous(), execution)));
  }
}

}  // namespace
}  // namespace pillar
