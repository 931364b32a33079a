#include "metrics/question_evaluation.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/labels/answer_map.h"

#include "metrics/undefined.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/ops/isfinite.h>

namespace pillar {
namespace {

const at::Tensor& ranking(const Predictions& p) {
  return p.ranking_qn.defined() ? p.ranking_qn : p.scores_qn;
}

RankedScores rank_row(const at::Tensor& scores_qn, const at::Tensor& answers_qn, std::int64_t index) {
  const std::int64_t studies = answers_qn.size(1);
  const auto* answers = answers_qn.const_data_ptr<std::int8_t>() + index * studies;
  return rank_scores(scores_of_question(scores_qn, index), {answers, static_cast<std::size_t>(studies)});
}

void check_shapes(const Predictions& p) {
  const std::int64_t studies = std::ssize(p.accessions), questions = std::ssize(p.questions);
  if (studies == 0 || questions == 0) {
    fail(ErrorCategory::input, "nothing to evaluate: {} studies, {} questions", studies, questions);
  }
  if (std::ssize(p.categories) != questions)
    fail(ErrorCategory::input, "{} categories for {} questions", p.categories.size(), questions);
  for (const at::Tensor& tensor : {p.scores_qn, ranking(p), p.answers_qn}) {
    if (!tensor.defined() || tensor.dim() != 2 || tensor.size(0) != questions || tensor.size(1) != studies)
      fail(ErrorCategory::input, "scores and answers must be of {} questions by {} studies", questions,
           studies);
    if (!tensor.is_cpu() || !tensor.is_contiguous())
      fail(ErrorCategory::input, "scores and answers must be contiguous and on the CPU");
  }
  for (const at::Tensor& tensor : {p.scores_qn, ranking(p)}) {
    if (tensor.scalar_type() != at::kFloat && tensor.scalar_type() != at::kDouble)
      fail(ErrorCategory::input, "scores must be float32 or float64");
  }
  if (p.answers_qn.scalar_type() != at::kChar) fail(ErrorCategory::input, "answers must be int8");
  if (!p.given_qn.defined()) return;
  if (p.given_qn.sizes() != p.answers_qn.sizes() || p.given_qn.scalar_type() != at::kChar ||
      !p.given_qn.is_contiguous())
    fail(ErrorCategory::input, "answers that are given must be int8 of {} questions by {} studies", questions,
         studies);
}

// A threshold of what ranks, as a score: that of the lowest study which is said to be yes.
double score_at(const Predictions& p, std::int64_t index, const RankedScores& ranked, double threshold) {
  if (std::isnan(threshold)) return threshold;
  const auto first_no = std::upper_bound(ranked.scores.begin(), ranked.scores.end(), threshold,
                                         [](double least, double score) { return score < least; });
  const std::uint32_t study = ranked.studies[static_cast<std::size_t>(first_no - ranked.scores.begin()) - 1];
  return scores_of_question(p.scores_qn, index)[study];
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
  if (p.ranking_qn.defined() && !at::isfinite(p.ranking_qn).all().item<bool>())
    fail(ErrorCategory::input, "what studies are ranked by is not finite everywhere");
  const std::int64_t studies = std::ssize(p.accessions);
  for (std::int64_t q = 0; q < std::ssize(p.questions); ++q) {
    const std::vector<double> row = scores_of_question(p.scores_qn, q);
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

std::vector<double> scores_of_question(const at::Tensor& scores_qn, std::int64_t index) {
  const std::int64_t width = scores_qn.size(1);
  if (scores_qn.scalar_type() == at::kDouble) {
    const double* data = scores_qn.const_data_ptr<double>() + index * width;
    return {data, data + width};
  }
  const float* data = scores_qn.const_data_ptr<float>() + index * width;
  return {data, data + width};
}

RankedScores rank_question(const Predictions& p, std::int64_t index) {
  return rank_row(ranking(p), p.answers_qn, index);
}

RankedScores rank_probabilities(const Predictions& p, std::int64_t index) {
  return rank_row(p.scores_qn, p.answers_qn, index);
}

GivenAnswers evaluate_given(const Predictions& p, std::int64_t index, QuestionEvaluation& question) {
  const std::int64_t studies = p.answers_qn.size(1);
  const auto* given = p.given_qn.const_data_ptr<std::int8_t>() + index * studies;
  const auto* counted = p.answers_qn.const_data_ptr<std::int8_t>() + index * studies;
  GivenAnswers result;
  std::vector<std::int8_t> answers(given, given + studies);
  for (std::int64_t n = 0; n < studies; ++n) {
    const auto answer = static_cast<Answer>(given[n]);
    if (answer == Answer::yes || answer == Answer::no) continue;
    ++(answer == Answer::missing ? question.num_missing : question.num_uncertain);
    if (counted[n] >= 0) ++result.counted;
    answers[static_cast<std::size_t>(n)] = -1;
  }
  result.auroc = result.counted == 0 ? question.auroc.value
                                     : auroc(rank_scores(scores_of_question(ranking(p), index), answers));
  return result;
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
  result.delong = {result.auroc.value, kUndefined, kUndefined};
  result.average_precision = {average_precision(ranked), kUndefined, kUndefined};
  result.at_90_specificity = sensitivity_at_specificity(ranked, 0.9);
  result.roc = roc_points(ranked);
  result.brier = result.expected_calibration_error = kUndefined;
  std::optional<RankedScores> own;
  const RankedScores& by_score = p.ranking_qn.defined() ? own.emplace(rank_probabilities(p, index)) : ranked;
  result.errors = confident_errors(p.accessions, p.probabilities, by_score, most_errors);
  if (!p.probabilities) return result;
  result.at_90_specificity.threshold = score_at(p, index, ranked, result.at_90_specificity.threshold);
  result.brier = brier_score(by_score);
  result.expected_calibration_error = expected_calibration_error(by_score);
  result.reliability = reliability_bins(by_score);
  result.confusion = confusion(by_score);
  return result;
}

}  // namespace pillar
