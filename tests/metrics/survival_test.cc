#include "pillar/metrics/survival.h"

#include "pillar/core/file.h"
#include "pillar/core/random.h"
#include "pillar/core/safetensors.h"

#include "support/expect_error.h"
#include "support/goldens.h"

#include <cmath>

#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using ::testing::HasSubstr;

BootstrapOptions survival_draws(std::int64_t replicates) {
  BootstrapOptions options;
  options.replicates = replicates;
  options.threads = 1;
  return options;
}

std::vector<std::string> survival_names(std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t n = 0; n < count; ++n) names.push_back(fmt::format("A{}", n));
  return names;
}

// Risks in steps of 0.1, so that many are equal.
SurvivalPredictions drawn_survival(std::int64_t studies, std::int64_t years, std::uint64_t seed) {
  SurvivalPredictions p;
  p.accessions = survival_names(studies);
  p.risks_nk = at::empty({studies, years}, at::kDouble);
  SplitMix64 random{seed};
  auto* risks = p.risks_nk.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < studies * years; ++i)
    risks[i] = std::round(10 * unit_interval(random.next())) / 10;
  for (std::int64_t n = 0; n < studies; ++n) {
    p.outcomes.times_n.push_back(
        static_cast<std::int64_t>(unit_interval(random.next()) * static_cast<double>(years)));
    p.outcomes.events_n.push_back(unit_interval(random.next()) < 0.4 ? 1 : 0);
  }
  return p;
}

double brute_weighted_concordance(const SurvivalPredictions& p, const std::vector<double>& watched) {
  const auto& [times, events] = p.outcomes;
  const auto risk = p.risks_nk.accessor<double, 2>();
  double right = 0, pairs = 0;
  for (std::size_t later = 0; later < times.size(); ++later) {
    for (std::size_t earlier = 0; earlier < times.size(); ++earlier) {
      const bool before =
          times[earlier] < times[later] || (times[earlier] == times[later] && events[later] == 0);
      if (events[earlier] == 0 || !before) continue;
      const double weight = 1 / (watched[times[later]] * watched[times[later]]);
      const double one = risk[earlier][times[later]], other = risk[later][times[later]];
      pairs += weight;
      right += weight * (one > other ? 1 : one == other ? 0.5 : 0);
    }
  }
  return right / pairs;
}

TEST(Survival, ConcordanceIsTheCountOfPairs) {
  const std::vector<double> watched = {0.9, 0.7, 0.65, 0.4};
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    const SurvivalPredictions p = drawn_survival(60, 4, seed);
    const SurvivalEvaluation e = evaluate_survival(p, {watched, false}, survival_draws(0), {});
    EXPECT_NEAR(e.concordance.value, brute_weighted_concordance(p, watched), 1e-12);
  }
}

void expect_golden(double ours, const nlohmann::json& golden, double tolerance, const std::string& what) {
  if (golden.is_null()) {
    EXPECT_TRUE(std::isnan(ours)) << what << ": " << ours;
  } else {
    EXPECT_NEAR(ours, golden.get<double>(), tolerance) << what;
  }
}

void expect_golden_cases(const std::string& name) {
  const SafetensorsFile tensors(test::golden(fmt::format("finetune/{}.safetensors", name)));
  const auto json =
      nlohmann::json::parse(read_text_file(test::golden(fmt::format("finetune/{}.json", name))));
  for (const auto& [title, expected] : json.at("cases").items()) {
    SurvivalPredictions p;
    p.risks_nk = at::sigmoid(tensors.tensor(title + ".logit"));
    p.accessions = survival_names(p.risks_nk.size(0));
    const at::Tensor times = tensors.tensor(title + ".time_at_event"), events = tensors.tensor(title + ".y");
    for (std::int64_t n = 0; n < times.numel(); ++n) {
      p.outcomes.times_n.push_back(times[n].item<std::int64_t>());
      p.outcomes.events_n.push_back(static_cast<std::uint8_t>(events[n].item<std::int64_t>()));
    }
    SurvivalOptions options{{}, true};
    for (std::int64_t k = 0; k < p.risks_nk.size(1); ++k)
      options.watched_k.push_back(expected.at("censoring").at(std::to_string(k)).get<double>());
    const SurvivalEvaluation e = evaluate_survival(p, options, survival_draws(0), {});
    const auto& metrics = expected.at("metrics");
    for (std::size_t k = 0; k < e.years.size(); ++k) {
      const std::string year = fmt::format("{}_year_", k + 1);
      expect_golden(e.years[k].auroc.value, metrics.at(year + "auc"), 2e-6, title + year);
      expect_golden(e.years[k].average_precision.value, metrics.at(year + "apscore"), 2e-6, title + year);
      expect_golden(e.years[k].pr_auc, metrics.at(year + "prauc"), 2e-6, title + year);
    }
    expect_golden(e.concordance.value, metrics.at("c_index"), 1e-12, title);
    if (title != "plain") continue;
    const std::vector<double> own = kaplan_meier(p.outcomes, 6, false);
    for (std::size_t k = 0; k < own.size(); ++k)
      expect_golden(own[k], json.at("kaplan_meier_of_plain").at(std::to_string(k)), 1e-12, "own curve");
  }
}

TEST(Survival, PublicMetricsOfNineCases) {
  PILLAR_NEEDS_GOLDEN("finetune/metrics_300_a.json")
  expect_golden_cases("metrics_300_a");
  expect_golden_cases("metrics_300_b");
}

TEST(Survival, TheCurveOfCensoring) {
  // Year 0: one event, then one of three leaves; year 1: one event, the last leaves.
  const SurvivalOutcomes outcomes{{0, 0, 1, 1}, {1, 0, 1, 0}};
  const std::vector<double> watched = kaplan_meier(outcomes, 2, true),
                            alive = kaplan_meier(outcomes, 2, false);
  EXPECT_DOUBLE_EQ(watched[0], 2.0 / 3);
  EXPECT_DOUBLE_EQ(watched[1], 0);
  EXPECT_DOUBLE_EQ(alive[0], 0.75);
  EXPECT_DOUBLE_EQ(alive[1], 0.375);
}

TEST(Survival, IntervalsHoldTheValueAndWhatIsUndefinedIsNaN) {
  SurvivalPredictions p = drawn_survival(200, 3, 5);
  const SurvivalEvaluation e = evaluate_survival(p, {}, survival_draws(100), {});
  EXPECT_LT(e.concordance.low, e.concordance.value);
  EXPECT_GT(e.concordance.high, e.concordance.value);
  EXPECT_LT(e.years[1].auroc.low, e.years[1].auroc.high);
  std::fill(p.outcomes.events_n.begin(), p.outcomes.events_n.end(), 0);
  const SurvivalEvaluation none = evaluate_survival(p, {}, survival_draws(20), {});
  EXPECT_TRUE(std::isnan(none.concordance.value));
  EXPECT_TRUE(std::isnan(none.years[0].auroc.value));
}

TEST(Survival, RefusesWhatIsOutsideTheYears) {
  SurvivalPredictions p = drawn_survival(5, 3, 1);
  p.outcomes.times_n[2] = 3;
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {}, survival_draws(0), {}), ErrorCategory::input,
                      HasSubstr("row 2: the time 3 is outside the 3 years"));
  p.outcomes.times_n[2] = -1;
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {}, survival_draws(0), {}), ErrorCategory::input,
                      HasSubstr("row 2: the time -1"));
  p.outcomes.times_n[2] = 0;
  p.risks_nk[1][2] = std::nan("");
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {}, survival_draws(0), {}), ErrorCategory::input,
                      HasSubstr("accession A1, year 3"));
  p.risks_nk[1][2] = 0.5;
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {{0.9, 0, 0.5}, false}, survival_draws(0), {}),
                      ErrorCategory::input, HasSubstr("year 2"));
}

}  // namespace
}  // namespace pillar
