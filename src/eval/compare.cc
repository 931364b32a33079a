#include "pillar/eval/compare.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/thread_pool.h"

#include "eval/common_scores.h"
#include "metrics/shared/replicate_mean.h"
#include "metrics/shared/resamples.h"

#include <algorithm>
#include <optional>
#include <set>

namespace pillar {
namespace {

// AUROC of one question, of every run.
struct QuestionAurocs {
  std::string question, category;
  std::int64_t num_positive = 0, num_negative = 0;
  std::vector<double> of_run;
  std::vector<DelongDifference> delong_of_run;  // to the first run
  std::vector<std::vector<double>> replicates_of_run;

  bool evaluated() const { return num_positive > 0 && num_negative > 0; }
};

struct Common {
  CommonNames accessions, questions;
  std::vector<std::vector<std::size_t>> questions_of_run;  // by common question, then run
};

void check_runs(const std::vector<RunScores>& runs) {
  if (runs.size() < 2) fail(ErrorCategory::usage, "comparing takes at least two runs, not {}", runs.size());
  std::set<std::string> names;
  for (const RunScores& run : runs)
    if (!names.insert(run.name).second)
      fail(ErrorCategory::usage, "two runs are named {}", printable(run.name));
}

Common find_common(const std::vector<RunScores>& runs) {
  Common common{common_accessions(runs), common_questions(runs), {}};
  if (common.accessions.names.empty() || common.questions.names.empty()) {
    fail(ErrorCategory::input, "{} and the other runs have no {} in common: not runs on one test set",
         runs.front().path, common.accessions.names.empty() ? "accession" : "question");
  }
  common.questions_of_run.assign(common.questions.names.size(), std::vector<std::size_t>(runs.size()));
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::vector<std::int64_t>& places = common.questions.of_run[r];
    for (std::size_t i = 0; i < places.size(); ++i)
      if (places[i] >= 0) common.questions_of_run[static_cast<std::size_t>(places[i])][r] = i;
  }
  return common;
}

QuestionAurocs measure(const std::vector<RunScores>& runs, const Common& common, std::size_t question,
                       const ResampleUnits& units, const Resamples& resamples, double confidence) {
  const AlignedQuestion aligned = align_question(runs, common.accessions, common.questions_of_run[question]);
  QuestionAurocs result;
  result.question = common.questions.names[question];
  result.category = aligned.category;
  std::optional<DelongComponents> baseline;
  for (const std::vector<double>& scores : aligned.scores_of_run) {
    const RankedScores ranked = rank_scores(scores, aligned.answers);
    result.num_positive = ranked.positives;
    result.num_negative = ranked.negatives;
    if (!result.evaluated()) return result;
    result.of_run.push_back(auroc(ranked));
    if (units.count == std::ssize(units.of_study)) {
      const DelongComponents components = delong_components(ranked);
      if (!baseline) baseline = components;
      result.delong_of_run.push_back(delong_difference(*baseline, components, confidence));
    } else {
      result.delong_of_run.emplace_back();
    }
    std::vector<double>& replicates =
        result.replicates_of_run.emplace_back(static_cast<std::size_t>(resamples.replicates()));
    replicate_scores(rank_units(ranked, units.of_study), resamples, replicates, {});
  }
  return result;
}

Verdict verdict_of(const Interval& difference) {
  if (difference.low > 0) return Verdict::win;
  return difference.high < 0 ? Verdict::loss : Verdict::tie;
}

// The means of all runs and differences, as questions come.
class Tally {
 public:
  Tally(const std::vector<RunScores>& runs, double confidence)
      : confidence_(confidence), aurocs_(runs.size()), differences_(runs.size()), comparisons_(runs.size()) {}

  void add(const QuestionAurocs& question) {
    if (!question.evaluated()) return;
    for (std::size_t r = 0; r < aurocs_.size(); ++r) {
      aurocs_[r].add(question.of_run[r], question.replicates_of_run[r]);
      if (r > 0) add_difference(question, r);
    }
  }

  void finish(Comparison& comparison) {
    for (std::size_t r = 0; r < aurocs_.size(); ++r) {
      comparison.runs[r].macro_auroc = aurocs_[r].interval(confidence_).mean;
      if (r == 0) continue;
      comparisons_[r].run = comparison.runs[r].name;
      comparisons_[r].baseline = comparison.runs.front().name;
      comparisons_[r].difference = differences_[r].interval(confidence_);
      comparison.comparisons.push_back(std::move(comparisons_[r]));
    }
    comparison.num_evaluated = aurocs_.front().interval(confidence_).questions;
  }

 private:
  void add_difference(const QuestionAurocs& question, std::size_t run) {
    std::vector<double> replicates = question.replicates_of_run[run];
    for (std::size_t i = 0; i < replicates.size(); ++i) replicates[i] -= question.replicates_of_run[0][i];
    const double value = question.of_run[run] - question.of_run[0];
    differences_[run].add(value, replicates);
    QuestionComparison one = {question.question,
                              question.category,
                              question.num_positive,
                              question.num_negative,
                              question.of_run[0],
                              question.of_run[run],
                              percentile_interval(value, replicates, confidence_),
                              Verdict::tie,
                              question.delong_of_run[run]};
    one.verdict = verdict_of(one.difference);
    RunComparison& to = comparisons_[run];
    ++(one.verdict == Verdict::win ? to.wins : one.verdict == Verdict::loss ? to.losses : to.ties);
    to.questions.push_back(std::move(one));
  }

  double confidence_;
  std::vector<ReplicateMean> aurocs_, differences_;
  std::vector<RunComparison> comparisons_;
};

std::int64_t left_out(const std::vector<std::int64_t>& places) {
  return std::count(places.begin(), places.end(), -1);
}

Comparison describe(const std::vector<RunScores>& runs, const Common& common, const ResampleUnits& units,
                    const BootstrapOptions& bootstrap) {
  Comparison comparison;
  comparison.num_studies = std::ssize(common.accessions.names);
  comparison.num_questions = std::ssize(common.questions.names);
  comparison.bootstrap = bootstrap;
  comparison.unit = units.kind;
  comparison.num_units = units.count;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    comparison.runs.push_back({runs[r].name,
                               runs[r].kind,
                               runs[r].path,
                               {},
                               left_out(common.accessions.of_run[r]),
                               left_out(common.questions.of_run[r])});
  }
  return comparison;
}

}  // namespace

Comparison compare_runs(const std::vector<RunScores>& runs, const BootstrapOptions& bootstrap,
                        const PatientTable& patients) {
  check_runs(runs);
  const Common common = find_common(runs);
  const ResampleUnits units = resample_units(common.accessions.names, patients);
  const Resamples resamples(units.count, bootstrap);
  const int threads = bootstrap.threads == 0 ? usable_processors() : bootstrap.threads;
  Comparison comparison = describe(runs, common, units, bootstrap);
  Tally tally(runs, bootstrap.confidence);
  // A few questions at a time, so that replicates of thousands of questions never lie in memory.
  constexpr std::int64_t kTogether = 64;
  for (std::int64_t first = 0; first < comparison.num_questions; first += kTogether) {
    std::vector<QuestionAurocs> batch(
        static_cast<std::size_t>(std::min(kTogether, comparison.num_questions - first)));
    parallel_for(std::ssize(batch), threads, [&](std::int64_t i) {
      batch[static_cast<std::size_t>(i)] =
          measure(runs, common, static_cast<std::size_t>(first + i), units, resamples, bootstrap.confidence);
    });
    for (const QuestionAurocs& question : batch) tally.add(question);
  }
  tally.finish(comparison);
  if (comparison.num_evaluated == 0) {
    fail(ErrorCategory::input, "{} common studies, but no question with both a yes and a no among them",
         comparison.num_studies);
  }
  return comparison;
}

}  // namespace pillar
