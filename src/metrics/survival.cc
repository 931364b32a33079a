#include "pillar/metrics/survival.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/thread_pool.h"

#include "metrics/shared/resamples.h"
#include "metrics/survival_concordance.h"
#include "metrics/tie_groups.h"
#include "metrics/undefined.h"

#include <algorithm>
#include <cmath>

namespace pillar {
namespace {

void check_outcomes(const SurvivalOutcomes& outcomes, std::int64_t years) {
  if (outcomes.times_n.size() != outcomes.events_n.size())
    fail(ErrorCategory::input, "{} times, but {} events", outcomes.times_n.size(), outcomes.events_n.size());
  for (std::size_t i = 0; i < outcomes.times_n.size(); ++i) {
    if (outcomes.times_n[i] < 0 || outcomes.times_n[i] >= years) {
      fail(ErrorCategory::input, "row {}: the time {} is outside the {} years (0 to {})", i,
           outcomes.times_n[i], years, years - 1);
    }
    if (outcomes.events_n[i] > 1)
      fail(ErrorCategory::input, "row {}: the event {} is not 0 or 1", i, int{outcomes.events_n[i]});
  }
}

void check_curve(const std::vector<double>& watched_k, std::size_t years) {
  if (watched_k.empty()) return;
  if (watched_k.size() != years)
    fail(ErrorCategory::input, "a curve of {} years for risks of {}", watched_k.size(), years);
  for (std::size_t k = 0; k < years; ++k) {
    if (!(watched_k[k] > 0 && watched_k[k] <= 1))
      fail(ErrorCategory::input, "year {}: nobody can be weighted by a share of {} watched", k + 1,
           watched_k[k]);
  }
}

// One vector of N finite risks for each year.
std::vector<std::vector<double>> checked_risks(const SurvivalPredictions& p) {
  const at::Tensor& risks = p.risks_nk;
  const std::int64_t studies = std::ssize(p.accessions);
  if (studies != std::ssize(p.outcomes.times_n))
    fail(ErrorCategory::input, "{} studies, but {} outcomes", studies, p.outcomes.times_n.size());
  if (!risks.defined() || risks.dim() != 2 || risks.size(0) != studies || risks.size(1) < 1 ||
      (risks.scalar_type() != at::kFloat && risks.scalar_type() != at::kDouble)) {
    fail(ErrorCategory::input, "risks must be float32 or float64 of {} studies by years", studies);
  }
  const at::Tensor risks_kn = risks.detach().to(at::kCPU, at::kDouble).t().contiguous();
  const double* data = risks_kn.const_data_ptr<double>();
  std::vector<std::vector<double>> years;
  for (std::int64_t k = 0; k < risks.size(1); ++k) {
    years.emplace_back(data + k * studies, data + (k + 1) * studies);
    for (std::size_t i = 0; i < years.back().size(); ++i) {
      if (std::isfinite(years.back()[i])) continue;
      fail(ErrorCategory::input, "accession {}, year {}: the risk {} is not finite",
           printable(p.accessions[i]), k + 1, years.back()[i]);
    }
  }
  return years;
}

// 1: an event up to `year`; 0: watched up to it; -1: lost before.
std::vector<std::int8_t> answers_of_year(const SurvivalOutcomes& outcomes, std::int64_t year) {
  std::vector<std::int8_t> answers(outcomes.times_n.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const bool positive = outcomes.events_n[i] != 0 && outcomes.times_n[i] <= year;
    answers[i] = positive ? 1 : outcomes.times_n[i] >= year ? 0 : -1;
  }
  return answers;
}

double area_below_precision(const RankedScores& ranked) {
  const auto all = static_cast<double>(ranked.positives);
  double area = 0, recall = 0, precision = 1, positives = 0;
  for_each_tie_group(ranked, [&](const TieGroup& group) {
    if (positives == all) return;
    positives += static_cast<double>(group.positives);
    const double next_recall = positives / all, next = positives / static_cast<double>(group.end);
    area += (next_recall - recall) * (precision + next) / 2;
    recall = next_recall;
    precision = next;
  });
  return area;
}

// What torchmetrics 0.7 says where a class is missing.
void set_public_degenerate(SurvivalYear& year) {
  if (year.num_positive + year.num_negative == 0) {
    year.auroc.value = year.average_precision.value = year.pr_auc = -1;
  } else if (year.num_positive == 0 || year.num_negative == 0) {
    year.auroc.value = 0;
    if (year.num_negative == 0) year.average_precision.value = year.pr_auc = 1;
  }
}

SurvivalYear evaluate_year(const std::vector<double>& risks, const std::vector<std::int8_t>& answers,
                           const ResampleUnits& units, const Resamples& resamples, double confidence) {
  const RankedScores ranked = rank_scores(risks, answers);
  SurvivalYear year;
  year.num_positive = ranked.positives;
  year.num_negative = ranked.negatives;
  const bool defined = ranked.positives > 0 && ranked.negatives > 0;
  year.pr_auc = defined ? area_below_precision(ranked) : kUndefined;
  std::vector<double> areas, precisions;
  if (defined) {
    areas.resize(static_cast<std::size_t>(resamples.replicates()));
    precisions.resize(areas.size());
    replicate_scores(rank_units(ranked, units.of_study), resamples, areas, precisions);
  }
  year.auroc = percentile_interval(auroc(ranked), areas, confidence);
  year.average_precision = percentile_interval(average_precision(ranked), precisions, confidence);
  return year;
}

Interval concordance_interval(const std::vector<ConcordanceYear>& years, double value,
                              const ResampleUnits& units, const BootstrapOptions& bootstrap) {
  std::vector<double> replicates(static_cast<std::size_t>(bootstrap.replicates));
  const int threads = bootstrap.threads == 0 ? usable_processors() : bootstrap.threads;
  parallel_for(bootstrap.replicates, threads, [&](std::int64_t r) {
    std::vector<std::uint32_t> of_unit(static_cast<std::size_t>(units.count));
    for (const std::uint32_t unit : drawn_units(bootstrap.seed, r, units.count)) ++of_unit[unit];
    std::vector<std::uint32_t> counts(units.of_study.size());
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = of_unit[units.of_study[i]];
    replicates[static_cast<std::size_t>(r)] = concordance_of(concordance_sums(years, counts));
  });
  return percentile_interval(value, replicates, bootstrap.confidence);
}

// How many leave in a year with an event, and how many because their follow-up ends.
struct LeavingYear {
  double events = 0, ends = 0;
};

std::vector<LeavingYear> count_leaving(const SurvivalOutcomes& outcomes, std::int64_t years) {
  check_outcomes(outcomes, years);
  std::vector<LeavingYear> leaving(static_cast<std::size_t>(years));
  for (std::size_t i = 0; i < outcomes.times_n.size(); ++i) {
    LeavingYear& year = leaving[static_cast<std::size_t>(outcomes.times_n[i])];
    ++(outcomes.events_n[i] != 0 ? year.events : year.ends);
  }
  return leaving;
}

}  // namespace

std::vector<double> event_free_curve(const SurvivalOutcomes& outcomes, std::int64_t years) {
  auto watched = static_cast<double>(outcomes.times_n.size());
  double share = 1;
  std::vector<double> curve;
  for (const LeavingYear& year : count_leaving(outcomes, years)) {
    if (watched > 0) share *= 1 - year.events / watched;
    watched -= year.events + year.ends;
    curve.push_back(share);
  }
  return curve;
}

std::vector<double> watched_curve(const SurvivalOutcomes& outcomes, std::int64_t years) {
  auto watched = static_cast<double>(outcomes.times_n.size());
  double share = 1;
  std::vector<double> curve;
  for (const LeavingYear& year : count_leaving(outcomes, years)) {
    curve.push_back(share);
    watched -= year.events;
    if (watched > year.ends) share *= 1 - year.ends / watched;
    watched -= year.ends;
  }
  return curve;
}

std::vector<double> nlst_event_free_curve() {
  return {0.9851928130104401, 0.9748317321074379, 0.9659923988537479,
          0.9587252204657843, 0.9523590830936284, 0.9461840310101468};
}

SurvivalEvaluation evaluate_survival(const SurvivalPredictions& predictions, const SurvivalOptions& options,
                                     const BootstrapOptions& bootstrap, const PatientTable& patients) {
  if (predictions.accessions.empty()) fail(ErrorCategory::input, "nothing to evaluate: no studies");
  const std::vector<std::vector<double>> risks_kn = checked_risks(predictions);
  const SurvivalOutcomes& outcomes = predictions.outcomes;
  check_outcomes(outcomes, std::ssize(risks_kn));
  check_curve(options.watched_k, risks_kn.size());
  const ResampleUnits units = resample_units(predictions.accessions, patients);
  const Resamples resamples(units.count, bootstrap);

  SurvivalEvaluation result;
  result.num_studies = std::ssize(predictions.accessions);
  result.num_events = std::count(outcomes.events_n.begin(), outcomes.events_n.end(), std::uint8_t{1});
  result.bootstrap = bootstrap;
  result.unit = units.kind;
  result.num_units = units.count;
  result.watched_k = options.watched_k;
  const std::vector<ConcordanceYear> ranked = rank_years(risks_kn, outcomes, options.watched_k);
  const std::vector<std::uint32_t> once(predictions.accessions.size(), 1);
  result.sums = concordance_sums(ranked, once);
  result.concordance = concordance_interval(ranked, concordance_of(result.sums), units, bootstrap);
  for (std::size_t k = 0; k < risks_kn.size(); ++k) {
    result.years.push_back(evaluate_year(risks_kn[k], answers_of_year(outcomes, static_cast<std::int64_t>(k)),
                                         units, resamples, bootstrap.confidence));
    if (options.public_degenerate) set_public_degenerate(result.years.back());
  }
  if (options.public_degenerate && (result.num_events == 0 || result.num_studies < 2))
    result.concordance.value = -1;
  return result;
}

}  // namespace pillar
