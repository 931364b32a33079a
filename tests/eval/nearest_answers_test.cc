#include "eval/probe/nearest_answers.h"

#include "support/expect_error.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

// Each study's cosines sorted whole, in double.
double nearest_share(const ProbeData& train, const at::Tensor& study, std::int64_t question, int neighbours) {
  std::vector<std::pair<double, int>> by_cosine;
  for (std::int64_t n = 0; n < train.embeddings_nd.size(0); ++n) {
    const int answer = train.answers_qn[question][n].item<int>();
    if (answer < 0) continue;
    const at::Tensor a = train.embeddings_nd[n].to(at::kDouble), b = study.to(at::kDouble);
    const double cosine = a.dot(b).item<double>() / (a.norm().item<double>() * b.norm().item<double>());
    by_cosine.emplace_back(cosine, answer);
  }
  std::sort(by_cosine.rbegin(), by_cosine.rend());
  by_cosine.resize(std::min(by_cosine.size(), static_cast<std::size_t>(neighbours)));
  double yes = 0, all = 0;
  for (const auto& [cosine, answer] : by_cosine) {
    all += std::exp(cosine / 0.07);
    yes += answer * std::exp(cosine / 0.07);
  }
  return by_cosine.empty() ? 0.5 : yes / all;
}

TEST(NearestAnswers, AreThoseOfTheNearestStudiesWithAKnownAnswer) {
  at::Generator generator = at::detail::createCPUGenerator(1);
  ProbeData train;
  train.embeddings_nd = at::randn({120, 9}, generator);
  train.answers_qn = at::randint(-1, 2, {4, 120}, generator).to(at::kChar);
  train.answers_qn[2].narrow(0, 0, 116).fill_(-1);  // fewer answers than neighbours
  train.answers_qn[3].fill_(-1);                    // none at all
  const at::Tensor test_md = at::randn({300, 9}, generator);
  const at::Tensor shares_qm = nearest_answers(train, test_md, 7);
  for (std::int64_t q = 0; q < 4; ++q) {
    for (const std::int64_t m : {0, 1, 77, 299})
      EXPECT_NEAR(shares_qm[q][m].item<double>(), nearest_share(train, test_md[m], q, 7), 1e-5)
          << q << " " << m;
  }
}

TEST(NearestAnswers, WhatDoesNotFitIsRefused) {
  ProbeData train{at::zeros({3, 4}), at::zeros({1, 3}).to(at::kChar)};
  EXPECT_PILLAR_ERROR(nearest_answers(train, at::zeros({2, 5}), 3), ErrorCategory::input,
                      HasSubstr("5 values"));
  EXPECT_PILLAR_ERROR(nearest_answers(train, at::zeros({2, 4}), 0), ErrorCategory::usage,
                      HasSubstr("neighbours"));
}

}  // namespace
}  // namespace pillar
