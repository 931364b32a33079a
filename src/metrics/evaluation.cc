#include "pillar/metrics/evaluation.h"

#include "pillar/core/thread_pool.h"
#include "pillar/metrics/delong.h"

#include "metrics/question_evaluation.h"
#include "metrics/shared/replicate_mean.h"
#include "metrics/shared/resamples.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pillar {
namespace {

struct QuestionReplicates {
  std::vector<double> auroc, average_precision;  // one a replicate
};

// Of the answers that the labels do not give, as questions come.
struct UnknownTally {
  std::int64_t counted = 0;
  ReplicateMean auroc;

  UnknownAnswers finish(const std::vector<QuestionEvaluation>& questions, double confidence) const {
    UnknownAnswers unknown;
    for (const QuestionEvaluation& question : questions) {
      unknown.missing += question.num_missing;
      unknown.uncertain += question.num_uncertain;
    }
    unknown.counted = counted;
    unknown.auroc_of_given = auroc.interval(confidence);
    return unknown;
  }
};

struct CategoryMean {
  std::string name;
  ReplicateMean auroc, average_precision;
};

// Over all questions, or those of a category, as they come.
struct Means {
  ReplicateMean auroc, average_precision;
  ReplicateMean sensitivity, brier, calibration_error;  // without replicates
  std::vector<CategoryMean> categories;

  CategoryMean& category(const std::string& name) {
    const auto found = std::find_if(categories.begin(), categories.end(),
                                    [&](const CategoryMean& mean) { return mean.name == name; });
    if (found != categories.end()) return *found;
    categories.push_back({name, {}, {}});
    return categories.back();
  }

  void add(const QuestionEvaluation& question, const QuestionReplicates& replicates) {
    auroc.add(question.auroc.value, replicates.auroc);
    average_precision.add(question.average_precision.value, replicates.average_precision);
    sensitivity.add(question.at_90_specificity.sensitivity, {});
    brier.add(question.brier, {});
    calibration_error.add(question.expected_calibration_error, {});
    if (question.category.empty()) return;
    CategoryMean& mean = category(question.category);
    mean.auroc.add(question.auroc.value, replicates.auroc);
    mean.average_precision.add(question.average_precision.value, replicates.average_precision);
  }
};

QuestionReplicates replicate(const RankedScores& ranked, const ResampleUnits& units,
                             const Resamples& resamples) {
  QuestionReplicates replicates;
  if (ranked.positives == 0 || ranked.negatives == 0) return replicates;
  const auto size = static_cast<std::size_t>(resamples.replicates());
  replicates.auroc.resize(size);
  replicates.average_precision.resize(size);
  replicate_scores(rank_units(ranked, units.of_study), resamples, replicates.auroc,
                   replicates.average_precision);
  return replicates;
}

void set_means(Evaluation& evaluation, const Means& means) {
  const double confidence = evaluation.bootstrap.confidence;
  evaluation.auroc = means.auroc.interval(confidence);
  evaluation.average_precision = means.average_precision.interval(confidence);
  evaluation.sensitivity_at_90_specificity = means.sensitivity.interval(confidence);
  evaluation.brier = means.brier.interval(confidence);
  evaluation.expected_calibration_error = means.calibration_error.interval(confidence);
  evaluation.num_evaluated = evaluation.auroc.questions;
  for (const CategoryMean& mean : means.categories) {
    evaluation.categories.push_back(
        {mean.name, mean.auroc.interval(confidence), mean.average_precision.interval(confidence)});
  }
}

}  // namespace

Evaluation evaluate(const Predictions& predictions, const EvaluationOptions& options) {
  check_predictions(predictions);
  const ResampleUnits units = resample_units(predictions.accessions, options.patients);
  const Resamples resamples(units.count, options.bootstrap);
  const int threads = options.bootstrap.threads == 0 ? usable_processors() : options.bootstrap.threads;

  Evaluation evaluation;
  evaluation.num_studies = std::ssize(predictions.accessions);
  evaluation.probabilities = predictions.probabilities;
  evaluation.bootstrap = options.bootstrap;
  evaluation.unit = units.kind;
  evaluation.num_units = units.count;
  evaluation.questions.resize(predictions.questions.size());
  Means means;
  UnknownTally unknown;
  // A few questions at a time, so that replicates of thousands of questions never lie in memory.
  constexpr std::int64_t kTogether = 64;
  const std::int64_t questions = std::ssize(predictions.questions), studies = std::ssize(units.of_study);
  for (std::int64_t first = 0; first < questions; first += kTogether) {
    const std::int64_t count = std::min(kTogether, questions - first);
    std::vector<QuestionReplicates> replicates(static_cast<std::size_t>(count));
    std::vector<GivenAnswers> given(static_cast<std::size_t>(count));
    parallel_for(count, threads, [&](std::int64_t i) {
      const RankedScores ranked = rank_question(predictions, first + i);
      QuestionReplicates& mine = replicates[static_cast<std::size_t>(i)];
      mine = replicate(ranked, units, resamples);
      QuestionEvaluation result =
          evaluate_question(predictions, first + i, ranked, options.errors_per_question);
      if (predictions.given_qn.defined())
        given[static_cast<std::size_t>(i)] = evaluate_given(predictions, first + i, result);
      const double confidence = options.bootstrap.confidence;
      if (units.count == studies) result.delong = delong_interval(delong_components(ranked), confidence);
      result.auroc = percentile_interval(result.auroc.value, mine.auroc, confidence);
      result.average_precision =
          percentile_interval(result.average_precision.value, mine.average_precision, confidence);
      evaluation.questions[static_cast<std::size_t>(first + i)] = std::move(result);
    });
    for (std::int64_t i = 0; i < count; ++i) {
      means.add(evaluation.questions[static_cast<std::size_t>(first + i)],
                replicates[static_cast<std::size_t>(i)]);
      unknown.counted += given[static_cast<std::size_t>(i)].counted;
      unknown.auroc.add(given[static_cast<std::size_t>(i)].auroc, {});
    }
  }
  set_means(evaluation, means);
  if (predictions.given_qn.defined())
    evaluation.unknown = unknown.finish(evaluation.questions, options.bootstrap.confidence);
  return evaluation;
}

}  // namespace pillar
