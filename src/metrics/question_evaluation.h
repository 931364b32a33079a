// Internal: one question of a test set.
#pragma once

#include "pillar/metrics/evaluation.h"

namespace pillar {

// Throws Error(input) naming the fault: shapes, types, scores that are not finite or no probabilities.
void check_predictions(const Predictions& predictions);

// Row `index` of (Q,N) scores.
std::vector<double> scores_of_question(const at::Tensor& scores_qn, std::int64_t index);

// Question `index` by what ranks its studies, and by its scores. `predictions` have been checked.
RankedScores rank_question(const Predictions& predictions, std::int64_t index);
RankedScores rank_probabilities(const Predictions& predictions, std::int64_t index);

// AUROC on the answers that the labels give; `ranked` is by the answers that count. `question` gets the
// numbers of those that they do not give.
struct GivenAnswers {
  std::int64_t counted = 0;  // not given, and a yes or a no all the same
  double auroc = 0;
};
GivenAnswers evaluate_given(const Predictions& predictions, std::int64_t index, QuestionEvaluation& question);

// Everything but the ends of the intervals, which are NaN. `ranked`: by rank_question().
QuestionEvaluation evaluate_question(const Predictions& predictions, std::int64_t index,
                                     const RankedScores& ranked, int most_errors);

}  // namespace pillar
