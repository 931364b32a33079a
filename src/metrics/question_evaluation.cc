#include "metrics/question_evaluation.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "metrics/undefined.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pillar {
namespace {

std::vector<double> row_as_double(const at::Tensor& scores_qn, std::int64_t row) {
  const std::int64_t width = scores_qn.size(1);
  if (scores_qn.scalar_type() == at::kDouble) {
    const double* data = scores_qn.const_data_ptr<double>() + row * width;
    return {data, data + width};
  }
  const float* data = scores_qn.const_data_ptr<float>() + row * width;
  return {data, data + width};
}

void check_shapes(const Predictions& p) {
  const std::int64_t studies = std::ssize(p.accessions), questions = std::ssize(p.questions);
  if (studies == 0 || questions == 0) {
    fail(ErrorCategory::input, "nothing to evaluate: {} studies, {} questions", studies, questions);
  }
  if (std::ssize(p.categories) != questions)
    fail(ErrorCategory::input, "{} categories for {} questions", p.categories.size(), questions);
  for (const at::Tensor& tensor : {p.scores_qn, p.answers_qn}) {
    if (!tensor.defined() || tensor.dim() != 2 || tensor.size(0) != questions || tensor.size(1) != studies)
      fail(ErrorCategory::input, "scores and answers must be of {} questions by {} studies", questions,
           studies);
    if (!tensor.is_cpu() || !tensor.is_contiguous())
      fail(ErrorCategory::input, "scores and answers must be contiguous and on the CPU");
  }
  const bool is_float = p.scores_qn.scalar_type() == at::kFloat || p.scores_qn.scalar_type() == at::kDouble;
  if (!is_float || p.answers_qn.scalar_type() != at::kChar)
    fail(ErrorCategory::input, "scores must be float32 or float64, answers int8");
}

struct Mistake {
  std::size_t place = 0;  // in the ranking
  double margin = 0;
};

std::vector<ConfidentError> confident_errors(const std::vector<std::string>& accessions, bool probabilities,
                                             const RankedScores& ranked, int most) {
  // Without a probability of one half: as many as are yes are said to be.
  const bool none_said = !probabilities && ranked.positives == 0;
  if (ranked.scores.empty() || none_said) return {};
  const double threshold =
      probabilities ? 0.5 : ranked.scores[static_cast<std::size_t>(ranked.positives) - 1];
  std::vector<Mistake> mistakes;
  for (std::size_t i = 0; i < ranked.scores.size(); ++i) {
    const double score = ranked.scores[i];
    const bool said = probabilities ? score > threshold : score >= threshold;
    if (said != (ranked.answers[i] == 1)) mistakes.push_back({i, std::abs(score - threshold)});
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.margin > b.margin; });
  mistakes.resize(std::min(mistakes.size(), static_cast<std::size_t>(std::max(most, 0))));
  std::vector<ConfidentError> errors;
  for (const Mistake& mistake : mistakes) {
    errors.push_back({accessions[ranked.studies[mistake.place]], ranked.scores[mistake.place],
                      ranked.answers[mistake.place]});
  }
  return errors;
}

}  // namespace

void check_predictions(const Predictions& p) {
  check_shapes(p);
  const std::int64_t studies = std::ssize(p.accessions);
  for (std::int64_t q = 0; q < std::ssize(p.questions); ++q) {
    const std::vector<double> row = row_as_double(p.scores_qn, q);
    for (std::int64_t n = 0; n < studies; ++n) {
      const double score = row[static_cast<std::size_t>(n)];
      if (std::isfinite(score) && (!p.probabilities || (score >= 0 && score <= 1))) continue;
      fail(ErrorCategory::input, "accession {}, question '{}': the score {} is {}",
           printable(p.accessions[static_cast<std::size_t>(n)]),
           printable(p.questions[static_cast<std::size_t>(q)]), score,
           std::isfinite(score) ? "no probability from 0 to 1" : "not finite");
    }
  }
}

RankedScores rank_question(const Predictions& p, std::int64_t index) {
  const std::int64_t studies = std::ssize(p.accessions);
  const auto* answers = p.answers_qn.const_data_ptr<std::int8_t>() + index * studies;
  return rank_scores(row_as_double(p.scores_qn, index), {answers, static_cast<std::size_t>(studies)});
}

QuestionEvaluation evaluate_question(const Predictions& p, std::int64_t index, const RankedScores& ranked,
                                     int most_errors) {
  QuestionEvaluation result;
  result.question = p.questions[static_cast<std::size_t>(index)];
  result.category = p.categories[static_cast<std::size_t>(index)];
  result.num_samples = ranked.positives + ranked.negatives;
  result.num_positive = ranked.positives;
  result.num_negative = ranked.negatives;
  result.auroc = {auroc(ranked), kUndefined, kUndefined};
  result.average_precision = {average_precision(ranked), kUndefined, kUndefined};
  result.at_90_specificity = sensitivity_at_specificity(ranked, 0.9);
  result.roc = roc_points(ranked);
  result.errors = confident_errors(p.accessions, p.probabilities, ranked, most_errors);
  result.brier = result.expected_calibration_error = kUndefined;
  if (!p.probabilities) return result;
  result.brier = brier_score(ranked);
  result.expected_calibration_error = expected_calibration_error(ranked);
  result.reliability = reliability_bins(ranked);
  result.confusion = confusion(ranked);
  return result;
}

}  // namespace pillar
