#include "eval_cases.h"

#include "pillar/eval/probe.h"
#include "pillar/metrics/evaluation.h"

#include "plain_probe.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

constexpr std::int64_t kLbfgsEpochs = 200;  // of Adam, in less time than which the optimum is to be found
constexpr std::int64_t kNaiveReplicates = 20;

struct Cohort {
  ProbeData train, valid, test;
};

// Embeddings with correlated columns of unequal variance, as real ones have; findings of 3 to 40 % that a
// tenth of the columns' directions tell of.
Cohort make_cohort(const EvalOptions& options) {
  at::Generator generator = at::detail::createCPUGenerator(1);
  const std::int64_t valid = options.test, all = options.train + valid + options.test;
  const at::Tensor mix =
      at::randn({options.width, options.width}, generator) / std::sqrt(static_cast<double>(options.width));
  const at::Tensor scale = at::rand({options.width}, generator).mul_(2).exp_();
  at::Tensor x = at::matmul(at::randn({all, options.width}, generator) * scale, mix);
  const at::Tensor directions = at::randn({options.width, options.questions}, generator) *
                                (at::rand({options.width, 1}, generator) < 0.1) * 0.2;
  const at::Tensor offset = at::rand({options.questions}, generator) * -3.1 - 0.4;
  const at::Tensor chance = (at::matmul(x, directions) + offset).sigmoid_();
  const at::Tensor answers = (at::rand(chance.sizes(), generator) < chance).to(at::kChar).t().contiguous();
  const auto part = [&](std::int64_t begin, std::int64_t count) {
    return ProbeData{x.narrow(0, begin, count).clone(), answers.narrow(1, begin, count).contiguous()};
  };
  return {part(0, options.train), part(options.train, valid), part(options.train + valid, options.test)};
}

AdamProbeOptions adam_options(std::int64_t epochs, ProbePrecision precision) {
  AdamProbeOptions adam;
  adam.epochs = epochs;
  adam.precision = precision;
  return adam;
}

Measurement timed(const std::function<void(Measurement&)>& work) {
  Measurement m;
  const double start = now_seconds();
  work(m);
  m.seconds = now_seconds() - start;
  return m;
}

enum class AdamSide { plain, fp32, automatic };

Measurement adam(const EvalOptions& options, AdamSide side) {
  at::set_num_threads(options.threads);
  const Cohort cohort = make_cohort(options);
  const LinearProbe start = random_probe(options.questions, options.width, 1);
  return timed([&](Measurement& m) {
    const double before = now_seconds();
    const AdamProbeOptions fit = adam_options(
        options.epochs, side == AdamSide::automatic ? ProbePrecision::automatic : ProbePrecision::fp32);
    const LinearProbe probe = side == AdamSide::plain ? plain_probe_adam(cohort.train, start, fit)
                                                      : fit_probe_adam(cohort.train, start, fit);
    m.figures = {{"epochs", static_cast<double>(options.epochs)},
                 {"seconds_an_epoch", (now_seconds() - before) / static_cast<double>(options.epochs)},
                 {"weight_norm", probe.weight_qd.norm().item<double>()}};
  });
}

Measurement lbfgs(const EvalOptions& options) {
  at::set_num_threads(options.threads);
  const Cohort cohort = make_cohort(options);
  return timed([&](Measurement& m) {
    const LbfgsProbe fit = fit_probe_lbfgs(cohort.train, &cohort.valid, {});
    m.figures = {
        {"passes", static_cast<double>(fit.passes)},
        {"largest_gradient_norm", *std::max_element(fit.gradient_norm_q.begin(), fit.gradient_norm_q.end())}};
  });
}

Predictions random_predictions(const EvalOptions& options) {
  at::Generator generator = at::detail::createCPUGenerator(2);
  Predictions predictions;
  for (std::int64_t n = 0; n < options.test; ++n) predictions.accessions.push_back(fmt::format("S{:06}", n));
  for (std::int64_t q = 0; q < options.questions; ++q) {
    predictions.questions.push_back(fmt::format("Is there finding {}?", q));
    predictions.categories.push_back(fmt::format("Category {}", q % 12));
  }
  predictions.scores_qn = at::rand({options.questions, options.test}, generator);
  predictions.answers_qn =
      (at::rand({options.questions, options.test}, generator) < predictions.scores_qn * 0.4).to(at::kChar);
  return predictions;
}

Measurement bootstrap(const EvalOptions& options) {
  const Predictions predictions = random_predictions(options);
  EvaluationOptions evaluation;
  evaluation.bootstrap.replicates = options.replicates;
  evaluation.bootstrap.threads = options.threads;
  return timed([&](Measurement& m) {
    const Evaluation result = evaluate(predictions, evaluation);
    m.figures = {{"replicates", static_cast<double>(options.replicates)},
                 {"macro_auroc", result.auroc.mean.value}};
  });
}

// Each replicate draws the studies and ranks them again; a few of them, the time is that of all.
Measurement naive_bootstrap(const EvalOptions& options) {
  const Predictions predictions = random_predictions(options);
  const at::Tensor scores = predictions.scores_qn.to(at::kDouble);
  const auto* score = scores.const_data_ptr<double>();
  const auto* answer = predictions.answers_qn.const_data_ptr<std::int8_t>();
  const auto studies = static_cast<std::size_t>(options.test);
  Measurement m = timed([&](Measurement& naive) {
    double sum = 0;
    for (std::int64_t replicate = 0; replicate < kNaiveReplicates; ++replicate) {
      const std::vector<std::uint32_t> drawn = drawn_units(0, replicate, options.test);
      at::parallel_for(0, options.questions, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t q = begin; q < end; ++q) {
          std::vector<double> s(studies);
          std::vector<std::int8_t> a(studies);
          for (std::size_t i = 0; i < studies; ++i) {
            s[i] = score[q * options.test + drawn[i]];
            a[i] = answer[q * options.test + drawn[i]];
          }
          const RankedScores ranked = rank_scores(s, a);
          const double value = auroc(ranked) + average_precision(ranked);
          if (q == 0) sum += value;
        }
      });
    }
    naive.figures = {{"checked", sum}};
  });
  m.seconds *= static_cast<double>(options.replicates) / static_cast<double>(kNaiveReplicates);
  return m;
}

}  // namespace

std::vector<Case> eval_cases(const EvalOptions& o) {
  std::vector<Case> cases;
  const std::string public_loop = "the public loop in LibTorch: rows stacked, autograd, Adam";
  cases.push_back({fmt::format("eval.adam {} epochs", o.epochs), [=] { return adam(o, AdamSide::automatic); },
                   public_loop, [=] { return adam(o, AdamSide::plain); }});
  cases.push_back({fmt::format("eval.adam fp32 {} epochs", o.epochs), [=] { return adam(o, AdamSide::fp32); },
                   public_loop, [=] { return adam(o, AdamSide::plain); }});
  cases.push_back({"eval.lbfgs", [=] { return lbfgs(o); }, fmt::format("{} epochs of our Adam", kLbfgsEpochs),
                   [=] {
                     Measurement m = adam(o, AdamSide::automatic);
                     m.seconds *= static_cast<double>(kLbfgsEpochs) / static_cast<double>(o.epochs);
                     return m;
                   }});
  cases.push_back({fmt::format("eval.bootstrap {}", o.replicates), [=] { return bootstrap(o); },
                   "every replicate gathered and sorted (a few, scaled up)",
                   [=] { return naive_bootstrap(o); }});
  return cases;
}

}  // namespace pillar::bench
