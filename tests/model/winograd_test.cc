#include "model/encoder/winograd.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

struct Case {
  std::int64_t depth, height, width, in, out;
};

at::Tensor random(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::kFloat);
}

struct Problem {
  at::Tensor x_dhwc, weight, bias, expected_dhwc;  // expected: direct, in double
};

Problem problem(const Case& c) {
  Problem p;
  p.x_dhwc = random({c.depth, c.height, c.width, c.in}, 1);
  p.weight = random({c.out, c.in, 3, 3, 3}, 2) / std::sqrt(27.0 * static_cast<double>(c.in));
  p.bias = random({c.out}, 3);
  const at::Tensor x = p.x_dhwc.permute({3, 0, 1, 2}).unsqueeze(0).to(at::kDouble);
  p.expected_dhwc = at::conv3d(x, p.weight.to(at::kDouble), p.bias.to(at::kDouble), {1, 1, 1}, {1, 1, 1})
                        .squeeze(0)
                        .permute({1, 2, 3, 0});
  return p;
}

// In slabs of `rows` slices, each given only the input slices that it may look at.
at::Tensor run(const Problem& p, const WinogradConv& conv, std::int64_t rows) {
  const auto sizes = p.expected_dhwc.sizes();
  const at::Tensor out = at::empty(sizes, at::kFloat);
  at::Tensor scratch;
  for (std::int64_t first = 0; first < sizes[0]; first += rows) {
    const std::int64_t last = std::min(first + rows, sizes[0]);
    const std::int64_t from = std::max<std::int64_t>(first - 1, 0), until = std::min(last + 1, sizes[0]);
    const at::Tensor held = p.x_dhwc.narrow(0, from, until - from).clone();
    conv({held.const_data_ptr<float>(), from, until, sizes[0]}, sizes[1], sizes[2], first, last,
         out.mutable_data_ptr<float>() + first * sizes[1] * sizes[2] * sizes[3], scratch);
  }
  return out;
}

double error(const at::Tensor& ours, const at::Tensor& expected) {
  return at::abs(ours.to(at::kDouble) - expected).max().item<double>();
}

const std::vector<Case> kCases = {
    {6, 8, 10, 16, 16}, {7, 9, 11, 16, 32}, {1, 1, 1, 32, 48}, {2, 5, 3, 48, 16}, {4, 20, 20, 64, 96}};

struct Named {
  const char* needs;
  const WinogradKernel* (*kernel)(std::int64_t);
  double tolerance;
};

bool processor_has(const std::string& feature) {
  if (feature == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (feature == "avx512f") return __builtin_cpu_supports("avx512f");
  return __builtin_cpu_supports("avx512bf16");
}

TEST(Winograd, EveryKernelOfThisProcessorEqualsTheDirectConvolution) {
  int tried = 0;
  // bfloat16: inputs and weights carry 8 bits, sums of some 400 products of size 0.05.
  for (const Named& named : {Named{"avx2", winograd_avx2, 1e-5}, Named{"avx512f", winograd_avx512, 1e-5},
                             Named{"avx512bf16", winograd_avx512_bf16, 8e-2}}) {
    if (!processor_has(named.needs)) continue;
    for (const Case& c : kCases) {
      SCOPED_TRACE(fmt::format("{} {}x{}x{} {}->{}", named.needs, c.depth, c.height, c.width, c.in, c.out));
      const Problem p = problem(c);
      const WinogradKernel* kernel = named.kernel(c.out);
      ASSERT_NE(kernel, nullptr);
      const WinogradConv conv(p.weight, p.bias, kernel->bf16 ? at::kBFloat16 : at::kFloat, kernel);
      EXPECT_LE(error(run(p, conv, c.depth), p.expected_dhwc), named.tolerance);
      ++tried;
    }
  }
  if (tried == 0) GTEST_SKIP() << "this processor has neither AVX2 nor AVX-512";
}

TEST(Winograd, SlabsAndThreadsGiveTheSameBits) {
  const Problem p = problem({9, 12, 14, 32, 32});
  if (!WinogradConv::usable(p.weight, at::kFloat))
    GTEST_SKIP() << "this processor has neither AVX2 nor AVX-512";
  const WinogradConv conv(p.weight, p.bias, at::kFloat);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor whole = run(p, conv, 9);
  EXPECT_TRUE(at::equal(run(p, conv, 2), whole));
  EXPECT_TRUE(at::equal(run(p, conv, 4), whole));
  at::set_num_threads(3);
  EXPECT_TRUE(at::equal(run(p, conv, 4), whole));
  at::set_num_threads(threads);
}

TEST(Winograd, OddChannelCountsAreLeftToTheDirectConvolution) {
  EXPECT_FALSE(WinogradConv::usable(at::empty({24, 16, 3, 3, 3}), at::kFloat));
  EXPECT_FALSE(WinogradConv::usable(at::empty({16, 11, 3, 3, 3}), at::kFloat));
}

}  // namespace
}  // namespace pillar
