#include "pillar/eval/probe.h"

#include "pillar/core/safetensors.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>
#include <limits>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Correlated columns of unequal size; the last question is never yes.
ProbeData problem(std::int64_t count, std::int64_t width, std::int64_t questions, std::uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  at::Generator truth = at::detail::createCPUGenerator(7);
  const at::Tensor mix = at::randn({width, width}, truth) * at::rand({width}, truth).mul_(2).exp_() + 0.3;
  const at::Tensor x = at::matmul(at::randn({count, width}, generator), mix) + 2;
  const at::Tensor logits = at::matmul(x, at::randn({width, questions}, truth)) * 0.05 - 0.5;
  const at::Tensor answers = (at::rand({count, questions}, generator) < logits.sigmoid()).to(at::kChar);
  answers.select(1, questions - 1).fill_(0);
  return {x.contiguous(), answers.t().contiguous()};
}

// The objective itself, in float64.
double objective(const ProbeData& data, std::int64_t q, const LinearProbe& probe, double l2) {
  const double weight = positive_weights(data.answers_qn)[static_cast<std::size_t>(q)];
  const at::Tensor w = probe.weight_qd[q].to(at::kDouble);
  const at::Tensor z = at::matmul(data.embeddings_nd.to(at::kDouble), w) + probe.bias_q[q].item<double>();
  double sum = 0, known = 0;
  for (std::int64_t n = 0; n < z.numel(); ++n) {
    const int answer = data.answers_qn[q][n].item<std::int8_t>();
    if (answer < 0) continue;
    const double logit = z[n].item<double>();
    const double softplus =
        std::log1p(std::exp(-std::abs(logit))) + std::max(0.0, answer > 0 ? -logit : logit);
    sum += (answer > 0 ? weight : 1) * softplus;
    ++known;
  }
  return sum / known + l2 / 2 * w.square().sum().item<double>();
}

TEST(ProbeWeights, AYesCountsAsMuchAsThereAreNoes) {
  const at::Tensor answers =
      at::tensor({1, 0, 0, 0, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 1}, at::kChar).reshape({3, 5});
  EXPECT_THAT(positive_weights(answers), ElementsAre(DoubleEq(3), DoubleEq(1), DoubleEq(0)));
}

TEST(ProbeStart, DependsOnTheSeedAlone) {
  const LinearProbe a = random_probe(3, 100, 5), b = random_probe(3, 100, 5), c = random_probe(3, 100, 6);
  EXPECT_TRUE(at::equal(a.weight_qd, b.weight_qd));
  EXPECT_FALSE(at::equal(a.weight_qd, c.weight_qd));
  EXPECT_LE(a.weight_qd.abs().max().item<float>(), 0.1F);
  EXPECT_GT(a.weight_qd.abs().max().item<float>(), 0.09F);
}

TEST(ProbeAdam, FirstStepIsTheLearningRateAgainstTheGradient) {
  const ProbeData data = problem(50, 6, 3, 1);
  const LinearProbe start = random_probe(3, 6, 1);
  AdamProbeOptions options;
  options.epochs = 1;
  options.lr = 0.01;
  const LinearProbe end = fit_probe_adam(data, start, options);
  const at::Tensor moved = (end.weight_qd - start.weight_qd).abs();
  EXPECT_TRUE(at::allclose(moved, at::full({3, 6}, 0.01F), 1e-3, 1e-5));
  for (std::int64_t q = 0; q < 3; ++q) EXPECT_LT(objective(data, q, end, 0), objective(data, q, start, 0));
}

TEST(ProbeAdam, BatchesOfAnEpochSeeEveryRowOnce) {
  // One batch of all rows and its gradient do not depend on the order; batches of one row do.
  const ProbeData data = problem(37, 4, 2, 2);
  const LinearProbe start = random_probe(2, 4, 1);
  AdamProbeOptions whole, other_seed = whole;
  whole.epochs = other_seed.epochs = 5;
  other_seed.seed = 9;
  EXPECT_TRUE(at::equal(fit_probe_adam(data, start, whole).weight_qd,
                        fit_probe_adam(data, start, other_seed).weight_qd));
  whole.batch_size = other_seed.batch_size = 8;
  const LinearProbe a = fit_probe_adam(data, start, whole), b = fit_probe_adam(data, start, other_seed);
  EXPECT_FALSE(at::equal(a.weight_qd, b.weight_qd));
  EXPECT_TRUE(at::allclose(a.weight_qd, b.weight_qd, 0, 0.05));
}

TEST(ProbeAdam, LeftOutAnswersTeachNothing) {
  ProbeData data = problem(60, 5, 2, 3);
  const ProbeData half{data.embeddings_nd.narrow(0, 0, 30).contiguous(),
                       data.answers_qn.narrow(1, 0, 30).contiguous()};
  data.answers_qn.narrow(1, 30, 30).fill_(-1);
  const LinearProbe start = random_probe(2, 5, 1);
  AdamProbeOptions options;
  options.epochs = 40;
  const LinearProbe of_all = fit_probe_adam(data, start, options),
                    of_half = fit_probe_adam(half, start, options);
  EXPECT_TRUE(at::allclose(of_all.weight_qd, of_half.weight_qd, 1e-4, 1e-5));
}

TEST(ProbeAdam, RefusesWhatDoesNotFit) {
  const ProbeData data = problem(20, 4, 2, 4);
  EXPECT_PILLAR_ERROR(fit_probe_adam(data, random_probe(2, 5, 0), {}), ErrorCategory::input,
                      HasSubstr("[2,5], not (2, 4)"));
  AdamProbeOptions options;
  options.lr = 0;
  EXPECT_PILLAR_ERROR(fit_probe_adam(data, random_probe(2, 4, 0), options), ErrorCategory::usage,
                      HasSubstr("learning rate"));
  ProbeData broken{data.embeddings_nd.clone(), data.answers_qn};
  broken.embeddings_nd[3][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_PILLAR_ERROR(fit_probe_adam(broken, random_probe(2, 4, 0), {}), ErrorCategory::input,
                      HasSubstr("NaN"));
  options.lr = 1e38;
  EXPECT_PILLAR_ERROR(fit_probe_adam(data, random_probe(2, 4, 0), options), ErrorCategory::input,
                      HasSubstr("no longer finite"));
}

TEST(ProbeLbfgs, FindsTheOptimumOfEveryQuestion) {
  for (const double l2 : {1.0, 1e-2, 1e-4}) {
    const ProbeData data = problem(400, 24, 5, 5);
    LbfgsProbeOptions options;
    options.l2_path = {l2};
    options.absolute_l2 = true;
    const LbfgsProbe fit = fit_probe_lbfgs(data, nullptr, options);
    for (std::int64_t q = 0; q < 4; ++q) {
      EXPECT_LE(fit.gradient_norm_q[static_cast<std::size_t>(q)], 1e-6) << l2;
      const double best = objective(data, q, fit.probe, l2);
      at::Generator generator = at::detail::createCPUGenerator(11);
      for (int attempt = 0; attempt < 6; ++attempt) {
        LinearProbe other{fit.probe.weight_qd + at::randn({5, 24}, generator) * 1e-2, fit.probe.bias_q};
        EXPECT_GT(objective(data, q, other, l2), best);
        other = {fit.probe.weight_qd, fit.probe.bias_q + at::randn({5}, generator) * 1e-2};
        EXPECT_GT(objective(data, q, other, l2), best);
      }
    }
  }
}

TEST(ProbeLbfgs, OneClassGivesTheLogOddsAndNoWeights) {
  const ProbeData data = problem(100, 8, 3, 6);
  LbfgsProbeOptions options;
  options.l2_path = {0.1};
  const LbfgsProbe fit = fit_probe_lbfgs(data, nullptr, options);
  EXPECT_EQ(fit.probe.weight_qd[2].abs().max().item<float>(), 0);
  EXPECT_NEAR(fit.probe.bias_q[2].item<float>(), std::log(0.5 / 100.5), 1e-5);
}

TEST(ProbeLbfgs, TakesTheL2ThatTheValidSplitLikes) {
  const ProbeData train = problem(60, 40, 4, 7), valid = problem(400, 40, 4, 8);
  const LbfgsProbe fit = fit_probe_lbfgs(train, &valid, {});
  const std::vector<double> weights = positive_weights(train.answers_qn);
  LbfgsProbeOptions one;
  one.absolute_l2 = true;
  for (std::size_t q = 0; q < 3; ++q) {
    ASSERT_GT(fit.l2_q[q], 0);
    for (const double factor : {0.01, 100.0}) {
      one.l2_path = {fit.l2_q[q] * factor};
      const LbfgsProbe other = fit_probe_lbfgs(train, nullptr, one);
      const auto loss = [&](const LinearProbe& probe) {
        const at::Tensor z = at::matmul(valid.embeddings_nd.to(at::kDouble),
                                        probe.weight_qd[static_cast<std::int64_t>(q)].to(at::kDouble)) +
                             probe.bias_q[static_cast<std::int64_t>(q)].item<double>();
        const at::Tensor y = valid.answers_qn[static_cast<std::int64_t>(q)].to(at::kDouble);
        const at::Tensor p = z.sigmoid().clamp(1e-12, 1 - 1e-12);
        return -(y * p.log() * weights[q] + (1 - y) * (1 - p).log()).mean().item<double>();
      };
      EXPECT_LT(loss(fit.probe), loss(other.probe)) << q << " " << factor;
    }
  }
}

TEST(ProbeLbfgs, AConstantColumnAndMoreColumnsThanStudiesAreNoTrouble) {
  ProbeData data = problem(30, 50, 2, 9);
  data.embeddings_nd.select(1, 4).fill_(3);
  LbfgsProbeOptions options;
  options.l2_path = {0.1};
  const LbfgsProbe fit = fit_probe_lbfgs(data, nullptr, options);
  EXPECT_LE(fit.gradient_norm_q[0], 1e-6);
}

TEST(ProbeLbfgs, RefusesAPathWithoutAValidSplit) {
  const ProbeData data = problem(30, 4, 2, 10), other = problem(30, 5, 2, 10);
  EXPECT_PILLAR_ERROR(fit_probe_lbfgs(data, nullptr, {}), ErrorCategory::usage, HasSubstr("valid split"));
  EXPECT_PILLAR_ERROR(fit_probe_lbfgs(data, &other, {}), ErrorCategory::input, HasSubstr("valid split"));
  LbfgsProbeOptions options;
  options.l2_path = {-1};
  EXPECT_PILLAR_ERROR(fit_probe_lbfgs(data, nullptr, options), ErrorCategory::usage, HasSubstr("l2 -1"));
}

TEST(ProbeFile, IsReadAsItWasWritten) {
  const TempDir folder;
  const NamedProbe probe{random_probe(2, 7, 3), {"Is it \"here\", there?", "<b>é</b>"}, {}, {}};
  save_probe(folder / "probe.safetensors", probe);
  const NamedProbe read = load_probe(folder / "probe.safetensors");
  EXPECT_TRUE(at::equal(read.probe.weight_qd, probe.probe.weight_qd));
  EXPECT_TRUE(at::equal(read.probe.bias_q, probe.probe.bias_q));
  EXPECT_EQ(read.questions, probe.questions);
  EXPECT_TRUE(at::equal(load_probe_start(folder / "probe.safetensors").bias_q, probe.probe.bias_q));
  EXPECT_PILLAR_ERROR(probe_probabilities(read.probe, at::zeros({3, 6})), ErrorCategory::input,
                      HasSubstr("width 7, these have 6"));
}

TEST(ProbeFile, RefusesWhatIsNoProbe) {
  const TempDir folder;
  const auto file = folder / "p.safetensors";
  write_safetensors(file, {{"weight", at::zeros({2, 3})}, {"bias", at::zeros({2})}});
  EXPECT_PILLAR_ERROR(load_probe(file), ErrorCategory::input, HasSubstr("no questions"));
  write_safetensors(file, {{"weight", at::zeros({2, 3})}, {"bias", at::zeros({2})}},
                    {{"questions", "[\"one\"]"}});
  EXPECT_PILLAR_ERROR(load_probe(file), ErrorCategory::input, HasSubstr("do not name 2"));
  write_safetensors(file, {{"weight", at::zeros({2, 3})}, {"bias", at::zeros({3})}});
  EXPECT_PILLAR_ERROR(load_probe_start(file), ErrorCategory::input, HasSubstr("are not"));
  write_safetensors(
      file, {{"weight", at::full({2, 3}, std::numeric_limits<float>::infinity())}, {"bias", at::zeros({2})}});
  EXPECT_PILLAR_ERROR(load_probe_start(file), ErrorCategory::input, HasSubstr("infinite"));
  write_safetensors(file, {{"bias", at::zeros({2})}});
  EXPECT_PILLAR_ERROR(load_probe_start(file), ErrorCategory::input, HasSubstr("weight"));
}

}  // namespace
}  // namespace pillar
