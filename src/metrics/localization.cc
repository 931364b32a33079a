#include "pillar/metrics/localization.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/thread_pool.h"

#include "metrics/undefined.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace pillar {
namespace {

// How often each study of a question was drawn, for the sample itself (once each) and for every replicate.
using DrawnCounts = std::vector<std::vector<std::int32_t>>;

DrawnCounts drawn_counts(const std::vector<std::uint32_t>& unit_of_study, std::int64_t units,
                         const BootstrapOptions& options) {
  DrawnCounts counts(static_cast<std::size_t>(options.replicates));
  parallel_for(options.replicates, options.threads == 0 ? usable_processors() : options.threads,
               [&](std::int64_t r) {
                 std::vector<std::int32_t> of_unit(static_cast<std::size_t>(units), 0);
                 for (const std::uint32_t unit : drawn_units(options.seed, r, units)) ++of_unit[unit];
                 std::vector<std::int32_t>& of_study = counts[static_cast<std::size_t>(r)];
                 for (const std::uint32_t unit : unit_of_study) of_study.push_back(of_unit[unit]);
               });
  return counts;
}

double weighted_mean(const std::vector<double>& values, const std::vector<std::int32_t>& counts) {
  double sum = 0, drawn = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += counts[i] * values[i];
    drawn += counts[i];
  }
  return drawn > 0 ? sum / drawn : kUndefined;
}

// `number` of the studies' counts, in the sample and in every replicate.
template <typename Number>
Interval bootstrapped(const Number& number, std::size_t studies, const DrawnCounts& counts,
                      double confidence) {
  std::vector<double> replicates;
  for (const std::vector<std::int32_t>& drawn : counts) replicates.push_back(number(drawn));
  return percentile_interval(number(std::vector<std::int32_t>(studies, 1)), replicates, confidence);
}

// Share of lesions that some place above the threshold hits, at the lowest threshold that keeps false places
// to `most_false` a scan.
double lesions_found(const std::vector<LocalizedStudy>& studies, const std::vector<std::int32_t>& counts,
                     double most_false) {
  struct Candidate {
    double score;
    std::size_t study;
    std::int64_t lesion;
  };
  std::vector<Candidate> candidates;
  double scans = 0, lesions = 0;
  for (std::size_t i = 0; i < studies.size(); ++i) {
    if (counts[i] == 0) continue;
    scans += counts[i];
    lesions += static_cast<double>(counts[i] * studies[i].lesions);
    for (const MarkedPlace& place : studies[i].places) candidates.push_back({place.score, i, place.lesion});
  }
  if (lesions == 0) return kUndefined;
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  std::set<std::pair<std::size_t, std::int64_t>> seen;
  double found = 0, wrong = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.lesion < 0) {
      wrong += counts[candidate.study];
      if (wrong > most_false * scans) break;
    } else if (seen.emplace(candidate.study, candidate.lesion).second) {
      found += counts[candidate.study];
    }
  }
  return found / lesions;
}

class QuestionBootstrap {
 public:
  QuestionBootstrap(const LocalizedQuestion& question, const LocalizationOptions& options)
      : question_(question), options_(options) {
    std::vector<std::string> accessions;
    for (const LocalizedStudy& study : question.studies) accessions.push_back(study.accession);
    units_ = resample_units(accessions, options.patients);
    counts_ = drawn_counts(units_.of_study, units_.count, options.bootstrap);
  }

  const ResampleUnits& units() const { return units_; }

  QuestionLocalization evaluated() const {
    QuestionLocalization result;
    result.question = question_.question;
    result.auroc = question_.auroc;
    result.studies = std::ssize(question_.studies);
    bool several = false;
    for (const LocalizedStudy& study : question_.studies) {
      result.lesions += study.lesions;
      several = several || study.lesions > 1;
    }
    result.evidence = intervals(&LocalizedStudy::evidence);
    result.prior = intervals(&LocalizedStudy::prior);
    result.chance = intervals(&LocalizedStudy::chance);
    result.hit_above_prior = hit_above(&LocalizedStudy::prior);
    result.hit_above_chance = hit_above(&LocalizedStudy::chance);
    for (const double most_false : kFalsePlacesPerScan) {
      if (!several) break;
      result.lesions_found.push_back(bootstrapped(
          [&](const auto& counts) { return lesions_found(question_.studies, counts, most_false); },
          question_.studies.size(), counts_, options_.bootstrap.confidence));
    }
    result.shortcut = question_.auroc >= options_.known_auroc && !(result.hit_above_chance.low > 0);
    return result;
  }

 private:
  Interval mean_of(const std::vector<double>& values) const {
    return bootstrapped([&](const auto& counts) { return weighted_mean(values, counts); }, values.size(),
                        counts_, options_.bootstrap.confidence);
  }

  LocalizationIntervals intervals(LocalizationScores LocalizedStudy::*way) const {
    const auto of = [&](double LocalizationScores::*number) {
      std::vector<double> values;
      for (const LocalizedStudy& study : question_.studies) values.push_back(study.*way.*number);
      return mean_of(values);
    };
    return {of(&LocalizationScores::hit), of(&LocalizationScores::energy_inside),
            of(&LocalizationScores::average_precision), of(&LocalizationScores::best_dice),
            of(&LocalizationScores::fixed_dice)};
  }

  Interval hit_above(LocalizationScores LocalizedStudy::*way) const {
    std::vector<double> values;
    for (const LocalizedStudy& study : question_.studies)
      values.push_back(study.evidence.hit - (study.*way).hit);
    return mean_of(values);
  }

  const LocalizedQuestion& question_;
  const LocalizationOptions& options_;
  ResampleUnits units_;
  DrawnCounts counts_;
};

}  // namespace

LocalizationEvaluation evaluate_localization(const std::vector<LocalizedQuestion>& questions,
                                             const LocalizationOptions& options) {
  check_bootstrap_options(options.bootstrap);
  if (questions.empty()) fail(ErrorCategory::input, "no question with a finding that is marked");
  LocalizationEvaluation evaluation;
  evaluation.bootstrap = options.bootstrap;
  evaluation.tolerance_mm = options.tolerance_mm;
  evaluation.known_auroc = options.known_auroc;
  for (const LocalizedQuestion& question : questions) {
    if (question.studies.empty())
      fail(ErrorCategory::input, "question '{}': no study with the finding marked",
           printable(question.question));
    const QuestionBootstrap bootstrap(question, options);
    evaluation.unit = bootstrap.units().kind;
    evaluation.num_units = std::max(evaluation.num_units, bootstrap.units().count);
    evaluation.questions.push_back(bootstrap.evaluated());
  }
  return evaluation;
}

}  // namespace pillar
