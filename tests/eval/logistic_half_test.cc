#include "eval/probe/logistic_half.h"

#include "pillar/data/epoch_order.h"
#include "pillar/eval/probe.h"
#include "pillar/metrics/metrics.h"

#include "support/expect_error.h"

#include <numeric>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

#define NEEDS_HALF_PRODUCTS() \
  if (!half_products_available()) GTEST_SKIP() << "this processor has no AVX-512 BF16"

struct Problem {
  LogisticData data;
  at::Tensor weight_qd, bias_q;
  std::vector<std::int64_t> rows;
};

struct Size {
  std::int64_t studies, width, questions, rows;
};

// Columns with means of their own, a tenth of the answers left out, rows in any order.
Problem make_problem(const Size& size) {
  at::Generator generator = at::detail::createCPUGenerator(3);
  Problem p;
  p.data.x_nd = at::randn({size.studies, size.width}, generator) + at::randn({size.width}, generator) * 2;
  const at::Tensor chance = at::rand({size.studies, size.questions}, generator);
  p.data.answers_nq = (chance < 0.3).to(at::kChar) - (chance > 0.9).to(at::kChar);
  for (std::int64_t q = 0; q < size.questions; ++q)
    p.data.positive_weight_q.push_back(1 + 0.37 * static_cast<double>(q % 7));
  const double bound = 1 / std::sqrt(static_cast<double>(size.width));
  p.weight_qd = at::randn({size.questions, size.width}, generator) * bound;
  p.bias_q = at::randn({size.questions}, generator);
  p.rows = epoch_permutation(size.studies, 1, 0);
  p.rows.resize(static_cast<std::size_t>(size.rows));
  return p;
}

double difference(const at::Tensor& a, const at::Tensor& b) {
  return ((a.to(at::kDouble) - b.to(at::kDouble)).norm() / b.to(at::kDouble).norm()).item<double>();
}

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  return difference(at::tensor(a, at::kDouble), at::tensor(b, at::kDouble));
}

at::Tensor rounded(const at::Tensor& values) {
  return values.to(at::kFloat).to(at::kBFloat16).to(at::kDouble);
}

// The same sums in float64, of inputs rounded where the pass rounds them.
LogisticSums exact_sums(const Problem& p) {
  const at::Tensor mean = p.data.x_nd.to(at::kDouble).mean(0).to(at::kFloat);
  const at::Tensor index = at::tensor(p.rows, at::kLong);
  const at::Tensor x = rounded(p.data.x_nd - mean).index_select(0, index);
  const at::Tensor y = p.data.answers_nq.index_select(0, index);
  const at::Tensor weight = p.weight_qd.to(at::kDouble);
  const at::Tensor bias = p.bias_q.to(at::kDouble) + weight.mv(mean.to(at::kDouble));
  const at::Tensor probability = at::addmm(bias, x, rounded(weight).t()).sigmoid();
  const at::Tensor yes_weight = at::tensor(p.data.positive_weight_q, at::kDouble).expand_as(probability);
  const at::Tensor none = at::zeros_like(probability);
  const at::Tensor of_yes = at::where(y > 0, yes_weight, none);
  const at::Tensor derivative = at::where(y == 0, at::ones_like(probability), of_yes) * probability - of_yes;
  LogisticSums sums;
  const at::Tensor of_bias = derivative.sum(0);
  sums.gradient_qd = rounded(derivative).t().mm(x) + of_bias.unsqueeze(1) * mean.to(at::kDouble);
  sums.gradient_q.assign(of_bias.const_data_ptr<double>(),
                         of_bias.const_data_ptr<double>() + of_bias.numel());
  return sums;
}

const Size kSizes[] = {
    {1, 1, 1, 1},          {3, 2, 1, 2},          {9, 7, 5, 9},
    {40, 33, 17, 31},      {300, 48, 48, 257},    {700, 97, 49, 513},
    {1500, 130, 63, 1111}, {2600, 64, 100, 2501}, {5000, 19, 33, 5000},
};

TEST(LogisticHalf, ExactSumsOfRoundedInputs) {
  NEEDS_HALF_PRODUCTS();
  for (const Size& size : kSizes) {
    SCOPED_TRACE(::testing::Message() << size.rows << " rows of " << size.width << ", " << size.questions);
    const Problem p = make_problem(size);
    HalfLogisticPass pass(p.data);
    const LogisticSums& sums = pass.run(p.weight_qd, p.bias_q, p.rows);
    const LogisticSums exact = exact_sums(p);
    // A derivative next to a tie may be rounded the other way; those of the bias are not rounded.
    EXPECT_LT(difference(sums.gradient_qd, exact.gradient_qd), 3e-4);
    EXPECT_LT(difference(sums.gradient_q, exact.gradient_q), 1e-5);
    EXPECT_TRUE(sums.loss_q.empty() && sums.curvature_q.empty());
  }
}

TEST(LogisticHalf, SecondProductIsExact) {
  NEEDS_HALF_PRODUCTS();
  for (const Size& size : kSizes) {
    SCOPED_TRACE(::testing::Message() << size.rows << " rows of " << size.width << ", " << size.questions);
    Problem p = make_problem(size);
    // Derivatives of 1/2 and of powers of two, which rounding leaves alone.
    p.weight_qd.zero_();
    p.bias_q.zero_();
    for (std::size_t q = 0; q < p.data.positive_weight_q.size(); ++q)
      p.data.positive_weight_q[q] = q % 2 ? 4 : 0.5;
    HalfLogisticPass pass(p.data);
    const LogisticSums& sums = pass.run(p.weight_qd, p.bias_q, p.rows);
    const LogisticSums exact = exact_sums(p);
    EXPECT_LT(difference(sums.gradient_qd, exact.gradient_qd), 1e-6);
    EXPECT_LT(difference(sums.gradient_q, exact.gradient_q), 1e-6);
  }
}

TEST(LogisticHalf, AsTheFloatPassToRounding) {
  NEEDS_HALF_PRODUCTS();
  for (const Size& size : kSizes) {
    SCOPED_TRACE(::testing::Message() << size.rows << " rows of " << size.width << ", " << size.questions);
    const Problem p = make_problem(size);
    LogisticPass full(p.data);
    HalfLogisticPass half(p.data);
    const LogisticSums& a = half.run(p.weight_qd, p.bias_q, p.rows);
    const LogisticSums& b = full.run(p.weight_qd, p.bias_q, p.rows, {false});
    EXPECT_LT(difference(a.gradient_qd, b.gradient_qd), 8e-3);
    EXPECT_LT(difference(a.gradient_q, b.gradient_q), 8e-3);
  }
}

TEST(LogisticHalf, ColumnsFarFromZeroLoseNothing) {
  NEEDS_HALF_PRODUCTS();
  Problem near = make_problem({2000, 40, 9, 2000}), far = near;
  far.data.x_nd = near.data.x_nd + 1000;
  // The same logits: rounding 1000 to bfloat16 would have moved them by more than they are.
  far.bias_q = near.bias_q - near.weight_qd.sum(1) * 1000;
  HalfLogisticPass near_pass(near.data), far_pass(far.data);
  const LogisticSums& a = near_pass.run(near.weight_qd, near.bias_q, near.rows);
  const LogisticSums& b = far_pass.run(far.weight_qd, far.bias_q, far.rows);
  EXPECT_LT(difference(b.gradient_q, a.gradient_q), 1e-3);
  LogisticPass full(far.data);
  EXPECT_LT(difference(b.gradient_qd, full.run(far.weight_qd, far.bias_q, far.rows, {false}).gradient_qd),
            2e-3);
}

TEST(LogisticHalf, LeftOutAnswersCountNothing) {
  NEEDS_HALF_PRODUCTS();
  Problem p = make_problem({600, 30, 20, 600});
  p.data.answers_nq.select(1, 3).fill_(-1);
  p.data.answers_nq.narrow(0, 100, 200).fill_(-1);
  HalfLogisticPass pass(p.data);
  const LogisticSums all = pass.run(p.weight_qd, p.bias_q, p.rows);
  EXPECT_EQ(all.gradient_q[3], 0);
  EXPECT_EQ(all.gradient_qd[3].abs().sum().item<float>(), 0);
  const at::Tensor gradient = all.gradient_qd.clone();
  std::erase_if(p.rows, [](std::int64_t row) { return row >= 100 && row < 300; });
  EXPECT_LT(difference(pass.run(p.weight_qd, p.bias_q, p.rows).gradient_qd, gradient), 1e-5);
}

TEST(LogisticHalf, LogitsOfAnySize) {
  NEEDS_HALF_PRODUCTS();
  Problem p = make_problem({64, 8, 16, 64});
  for (const double scale : {1e2, 1e4, 1e30}) {
    Problem large = p;
    large.weight_qd = p.weight_qd * scale;
    HalfLogisticPass pass(large.data);
    const LogisticSums& sums = pass.run(large.weight_qd, large.bias_q, large.rows);
    EXPECT_LT(difference(sums.gradient_qd, exact_sums(large).gradient_qd), 3e-4);
  }
  p.bias_q[5] = std::numeric_limits<float>::quiet_NaN();
  HalfLogisticPass pass(p.data);
  const LogisticSums& sums = pass.run(p.weight_qd, p.bias_q, p.rows);
  EXPECT_TRUE(std::isnan(sums.gradient_q[5]));  // not taken for a number
  EXPECT_TRUE(std::isfinite(sums.gradient_q[4]));
}

TEST(LogisticHalf, SameBitsOnAnyNumberOfThreads) {
  NEEDS_HALF_PRODUCTS();
  const Problem p = make_problem({6000, 70, 50, 5900});
  const int before = at::get_num_threads();
  std::vector<LogisticSums> sums;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    HalfLogisticPass pass(p.data);
    sums.push_back(pass.run(p.weight_qd, p.bias_q, p.rows));
  }
  at::set_num_threads(before);
  for (const std::size_t i : {1, 2}) {
    EXPECT_TRUE(at::equal(sums[i].gradient_qd, sums[0].gradient_qd));
    EXPECT_EQ(sums[i].gradient_q, sums[0].gradient_q);
  }
}

// Three batches an epoch; answers that the embeddings tell of.
struct Cohort {
  ProbeData train, test;
  AdamProbeOptions options;
  LinearProbe start;
};

Cohort make_cohort() {
  constexpr std::int64_t kTrain = 1200, kTest = 800, kWidth = 48, kQuestions = 12;
  at::Generator generator = at::detail::createCPUGenerator(5);
  const at::Tensor x = at::randn({kTrain + kTest, kWidth}, generator);
  const at::Tensor directions = at::randn({kWidth, kQuestions}, generator) * 0.3;
  const at::Tensor chance = (x.mm(directions) - 1).sigmoid();
  const at::Tensor answers = (at::rand(chance.sizes(), generator) < chance).to(at::kChar).t().contiguous();
  Cohort cohort;
  cohort.train = {x.narrow(0, 0, kTrain).clone(), answers.narrow(1, 0, kTrain).contiguous()};
  cohort.test = {x.narrow(0, kTrain, kTest).clone(), answers.narrow(1, kTrain, kTest).contiguous()};
  cohort.options.epochs = 60;
  cohort.options.batch_size = 500;
  cohort.start = random_probe(kQuestions, kWidth, 1);
  return cohort;
}

LinearProbe fit(const Cohort& cohort, ProbePrecision precision, std::uint64_t seed) {
  AdamProbeOptions options = cohort.options;
  options.precision = precision;
  options.seed = seed;
  return fit_probe_adam(cohort.train, cohort.start, options);
}

std::vector<double> test_aurocs(const Cohort& cohort, const LinearProbe& probe) {
  const at::Tensor scores = probe_probabilities(probe, cohort.test.embeddings_nd).to(at::kDouble);
  std::vector<double> values;
  for (std::int64_t q = 0; q < scores.size(0); ++q) {
    const auto count = static_cast<std::size_t>(scores.size(1));
    values.push_back(auroc(rank_scores({scores[q].const_data_ptr<double>(), count},
                                       {cohort.test.answers_qn[q].const_data_ptr<std::int8_t>(), count})));
  }
  return values;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST(ProbePrecision, RoundingMovesTheProbeLessThanTheOrderOfRows) {
  NEEDS_HALF_PRODUCTS();
  const Cohort cohort = make_cohort();
  const LinearProbe full = fit(cohort, ProbePrecision::fp32, 0), half = fit(cohort, ProbePrecision::bf16, 0);
  const std::vector<double> of_full = test_aurocs(cohort, full), of_half = test_aurocs(cohort, half);
  const double by_rounding = difference(half.weight_qd, full.weight_qd);
  EXPECT_GT(by_rounding, 0);
  for (const std::uint64_t seed : {1, 2, 3}) {
    const LinearProbe other = fit(cohort, ProbePrecision::fp32, seed);
    const double by_order = difference(other.weight_qd, full.weight_qd);
    RecordProperty("by_rounding", std::to_string(by_rounding));
    RecordProperty("by_order_" + std::to_string(seed), std::to_string(by_order));
    EXPECT_LT(by_rounding, by_order / 20);
    EXPECT_LT(largest_difference(of_half, of_full), largest_difference(test_aurocs(cohort, other), of_full));
  }
  EXPECT_LT(largest_difference(of_half, of_full), 1e-3);
  EXPECT_GT(*std::min_element(of_full.begin(), of_full.end()), 0.7);  // something was learnt
}

TEST(ProbePrecision, AutomaticIsHalfForMoreThanOneBatch) {
  NEEDS_HALF_PRODUCTS();
  Cohort cohort = make_cohort();
  cohort.options.epochs = 3;
  const auto weight = [&](ProbePrecision precision) { return fit(cohort, precision, 0).weight_qd; };
  EXPECT_EQ(precision_used(cohort.options, 1200), ProbePrecision::bf16);
  EXPECT_TRUE(at::equal(weight(ProbePrecision::automatic), weight(ProbePrecision::bf16)));
  cohort.options.batch_size = 1200;
  EXPECT_EQ(precision_used(cohort.options, 1200), ProbePrecision::fp32);
  EXPECT_TRUE(at::equal(weight(ProbePrecision::automatic), weight(ProbePrecision::fp32)));
  EXPECT_FALSE(at::equal(weight(ProbePrecision::bf16), weight(ProbePrecision::fp32)));
}

TEST(ProbePrecision, HalfElsewhereIsRefused) {
  if (half_products_available()) GTEST_SKIP() << "this processor has AVX-512 BF16";
  Cohort cohort = make_cohort();
  EXPECT_EQ(precision_used(cohort.options, 1200), ProbePrecision::fp32);
  cohort.options.precision = ProbePrecision::bf16;
  EXPECT_PILLAR_ERROR(fit_probe_adam(cohort.train, cohort.start, cohort.options), ErrorCategory::unsupported,
                      HasSubstr("AVX-512 BF16"));
}

}  // namespace
}  // namespace pillar
