#include "pillar/metrics/survival.h"

#include "pillar/core/file.h"
#include "pillar/core/random.h"
#include "pillar/core/safetensors.h"

#include "support/expect_error.h"
#include "support/goldens.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>
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

// By counting pairs, and by thresholds one after another.
struct BruteYear {
  double auroc = 0, average_precision = 0, pr_auc = 0;
  std::int64_t positives = 0, negatives = 0;
};
BruteYear brute_year(const SurvivalPredictions& p, std::int64_t year) {
  std::vector<double> yes, no;
  std::set<double, std::greater<>> thresholds;
  for (std::size_t i = 0; i < p.accessions.size(); ++i) {
    const double risk = p.risks_nk[static_cast<std::int64_t>(i)][year].item<double>();
    const bool event = p.outcomes.events_n[i] == 1 && p.outcomes.times_n[i] <= year;
    if (event || p.outcomes.times_n[i] >= year) {
      (event ? yes : no).push_back(risk);
      thresholds.insert(risk);
    }
  }
  BruteYear result;
  result.positives = std::ssize(yes);
  result.negatives = std::ssize(no);
  for (const double one : yes)
    for (const double other : no) result.auroc += one > other ? 1 : one == other ? 0.5 : 0;
  const auto all = static_cast<double>(yes.size());
  result.auroc /= all * static_cast<double>(no.size());
  double recall = 0, precision = 1;
  for (const double threshold : thresholds) {
    const auto said = [&](double risk) { return risk >= threshold; };
    const auto right = static_cast<double>(std::count_if(yes.begin(), yes.end(), said));
    const double next = right / (right + static_cast<double>(std::count_if(no.begin(), no.end(), said)));
    result.average_precision += (right / all - recall) * next;
    if (recall < 1) result.pr_auc += (right / all - recall) * (precision + next) / 2;
    recall = right / all;
    precision = next;
  }
  return result;
}

TEST(Survival, YearsAreThoseOfAllPairsAndThresholds) {
  for (std::uint64_t seed = 30; seed < 40; ++seed) {
    const SurvivalPredictions p = drawn_survival(70, 4, seed);
    const SurvivalEvaluation e = evaluate_survival(p, {}, survival_draws(0), {});
    ASSERT_EQ(e.years.size(), 4u);
    for (std::int64_t k = 0; k < 4; ++k) {
      const BruteYear expected = brute_year(p, k);
      const SurvivalYear& year = e.years[static_cast<std::size_t>(k)];
      EXPECT_EQ(year.num_positive, expected.positives);
      EXPECT_EQ(year.num_negative, expected.negatives);
      EXPECT_NEAR(year.auroc.value, expected.auroc, 1e-12);
      EXPECT_NEAR(year.average_precision.value, expected.average_precision, 1e-12);
      EXPECT_NEAR(year.pr_auc, expected.pr_auc, 1e-12);
    }
  }
}

TEST(Survival, LogitsAndProbabilitiesHaveOneOrder) {
  SurvivalPredictions p = drawn_survival(100, 3, 8);
  p.risks_nk = p.risks_nk * 10 - 5;
  const SurvivalEvaluation logits = evaluate_survival(p, {}, survival_draws(20), {});
  p.risks_nk = at::sigmoid(p.risks_nk);
  const SurvivalEvaluation probabilities = evaluate_survival(p, {}, survival_draws(20), {});
  EXPECT_EQ(logits.concordance.value, probabilities.concordance.value);
  EXPECT_EQ(logits.concordance.low, probabilities.concordance.low);
  EXPECT_EQ(logits.years[2].auroc.high, probabilities.years[2].auroc.high);
  // In float32 both probabilities are 1, and the two studies are no longer told apart.
  p.accessions = survival_names(2);
  p.outcomes = {{0, 2}, {1, 0}};
  p.risks_nk = at::tensor({31.F, 30.F}).unsqueeze(1).expand({2, 3});
  EXPECT_EQ(evaluate_survival(p, {}, survival_draws(0), {}).concordance.value, 1);
  p.risks_nk = at::sigmoid(p.risks_nk);
  EXPECT_EQ(evaluate_survival(p, {}, survival_draws(0), {}).concordance.value, 0.5);
}

// A replicate is the evaluation of what was drawn.
TEST(Survival, IntervalsAreThoseOfTheDrawnPatients) {
  const SurvivalPredictions p = drawn_survival(40, 3, 77);
  PatientTable patients;
  for (std::int64_t n = 0; n < 40; ++n)
    patients.patient_of[fmt::format("A{}", n)] = fmt::format("P{}", n / 3);
  const std::vector<double> watched = {1, 0.8, 0.5};
  constexpr std::int64_t kReplicates = 12, kPatients = 14;
  std::vector<double> concordances, areas;
  for (std::int64_t r = 0; r < kReplicates; ++r) {
    std::vector<std::int64_t> rows;
    for (const std::uint32_t patient : drawn_units(3, r, kPatients))
      for (std::int64_t n = patient * 3; n < std::min<std::int64_t>(40, patient * 3 + 3); ++n)
        rows.push_back(n);
    SurvivalPredictions drawn;
    drawn.accessions = survival_names(std::ssize(rows));
    drawn.risks_nk = p.risks_nk.index_select(0, at::tensor(rows));
    for (const std::int64_t n : rows) {
      drawn.outcomes.times_n.push_back(p.outcomes.times_n[static_cast<std::size_t>(n)]);
      drawn.outcomes.events_n.push_back(p.outcomes.events_n[static_cast<std::size_t>(n)]);
    }
    const SurvivalEvaluation e = evaluate_survival(drawn, {watched, false}, survival_draws(0), {});
    concordances.push_back(e.concordance.value);
    areas.push_back(e.years[1].auroc.value);
  }
  BootstrapOptions options = survival_draws(kReplicates);
  options.seed = 3;
  const SurvivalEvaluation e = evaluate_survival(p, {watched, false}, options, patients);
  EXPECT_EQ(e.unit, "patient");
  EXPECT_EQ(e.num_units, kPatients);
  const Interval c = percentile_interval(e.concordance.value, concordances, options.confidence);
  EXPECT_NEAR(e.concordance.low, c.low, 1e-12);
  EXPECT_NEAR(e.concordance.high, c.high, 1e-12);
  const Interval area = percentile_interval(e.years[1].auroc.value, areas, options.confidence);
  EXPECT_NEAR(e.years[1].auroc.low, area.low, 1e-12);
  EXPECT_NEAR(e.years[1].auroc.high, area.high, 1e-12);
}

TEST(Survival, ManyStudies) {
  const SurvivalEvaluation e = evaluate_survival(drawn_survival(20'000, 6, 4), {}, survival_draws(20), {});
  EXPECT_NEAR(e.concordance.value, 0.5, 0.02);
  EXPECT_LT(e.concordance.high - e.concordance.low, 0.02);
}

TEST(Survival, WhatThePublicCodeSaysOfOneClass) {
  SurvivalPredictions p = drawn_survival(30, 2, 5);
  std::fill(p.outcomes.events_n.begin(), p.outcomes.events_n.end(), std::uint8_t{1});
  std::fill(p.outcomes.times_n.begin(), p.outcomes.times_n.end(), 0);
  const SurvivalOptions options{{}, true};
  const SurvivalEvaluation all = evaluate_survival(p, options, survival_draws(0), {});
  EXPECT_EQ(all.years[0].auroc.value, 0);
  EXPECT_EQ(all.years[0].average_precision.value, 1);
  EXPECT_EQ(all.years[0].pr_auc, 1);
  EXPECT_TRUE(std::isnan(all.concordance.value)) << "events of one year are not compared";
  std::fill(p.outcomes.events_n.begin(), p.outcomes.events_n.end(), std::uint8_t{0});
  const SurvivalEvaluation none = evaluate_survival(p, options, survival_draws(0), {});
  EXPECT_EQ(none.years[0].auroc.value, 0);
  EXPECT_TRUE(std::isnan(none.years[0].average_precision.value));
  EXPECT_EQ(none.years[1].auroc.value, -1) << "nobody is watched in the second year";
  EXPECT_EQ(none.years[1].average_precision.value, -1);
  EXPECT_EQ(none.concordance.value, -1);
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
    const std::vector<double> own = event_free_curve(p.outcomes, 6);
    for (std::size_t k = 0; k < own.size(); ++k)
      expect_golden(own[k], json.at("kaplan_meier_of_plain").at(std::to_string(k)), 1e-12, "own curve");
  }
}

TEST(Survival, PublicMetricsOfNineCases) {
  PILLAR_NEEDS_GOLDEN("finetune/metrics_300_a.json")
  expect_golden_cases("metrics_300_a");
  expect_golden_cases("metrics_300_b");
}

TEST(Survival, CurvesOfEventsAndOfWhoIsWatched) {
  // Year 0: one event, then one of three leaves; year 1: nothing; year 2: one event, the last leaves; nobody
  // comes to year 3.
  const SurvivalOutcomes outcomes{{0, 0, 2, 2}, {1, 0, 1, 0}};
  const std::vector<double> watched = watched_curve(outcomes, 4), alive = event_free_curve(outcomes, 4);
  const double after_0 = 2.0 / 3;
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_DOUBLE_EQ(watched[k], k == 0 ? 1 : after_0) << k;
    EXPECT_DOUBLE_EQ(alive[k], k < 2 ? 0.75 : 0.375) << k;
  }
}

TEST(Survival, CurvesOfNobody) {
  EXPECT_THAT(watched_curve({}, 2), ::testing::ElementsAre(1, 1));
  EXPECT_THAT(event_free_curve({}, 2), ::testing::ElementsAre(1, 1));
  EXPECT_PILLAR_ERROR(watched_curve({{0, 2}, {0, 0}}, 2), ErrorCategory::input,
                      HasSubstr("row 1: the time 2"));
  EXPECT_PILLAR_ERROR(event_free_curve({{0}, {3}}, 2), ErrorCategory::input, HasSubstr("the event 3"));
  EXPECT_PILLAR_ERROR(event_free_curve({{0}, {}}, 2), ErrorCategory::input,
                      HasSubstr("1 times, but 0 events"));
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
  p.outcomes.events_n[4] = 2;
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {}, survival_draws(0), {}), ErrorCategory::input,
                      HasSubstr("row 4: the event 2 is not 0 or 1"));
  p.outcomes.events_n[4] = 1;
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {{0.9, 0.5}, false}, survival_draws(0), {}), ErrorCategory::input,
                      HasSubstr("a curve of 2 years for risks of 3"));
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {{0.9, 0, 0.5}, false}, survival_draws(0), {}),
                      ErrorCategory::input, HasSubstr("year 2"));
}

TEST(Survival, RefusesWhatDoesNotFitTogether) {
  EXPECT_PILLAR_ERROR(evaluate_survival({}, {}, survival_draws(0), {}), ErrorCategory::input,
                      HasSubstr("no studies"));
  SurvivalPredictions p = drawn_survival(5, 3, 1);
  p.risks_nk = p.risks_nk.to(at::kLong);
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {}, survival_draws(0), {}), ErrorCategory::input,
                      HasSubstr("float32 or float64 of 5 studies"));
  p = drawn_survival(5, 3, 1);
  p.accessions.pop_back();
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {}, survival_draws(0), {}), ErrorCategory::input,
                      HasSubstr("4 studies, but 5 outcomes"));
  p = drawn_survival(5, 3, 1);
  p.outcomes.events_n.pop_back();
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {}, survival_draws(0), {}), ErrorCategory::input,
                      HasSubstr("5 times, but 4 events"));
  p = drawn_survival(5, 3, 1);
  EXPECT_PILLAR_ERROR(evaluate_survival(p, {}, survival_draws(0), {"p.csv", {{"A0", "P"}}}),
                      ErrorCategory::input, HasSubstr("A1"));
}

}  // namespace
}  // namespace pillar
