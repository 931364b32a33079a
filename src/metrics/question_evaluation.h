// Internal: one question of a test set.
#pragma once

#include "pillar/metrics/evaluation.h"

namespace pillar {

// Throws Error(input) naming the fault: shapes, types, scores that are not finite or no probabilities.
void check_predictions(const Predictions& predictions);

// Ranks question `index`. `predictions` have been checked.
RankedScores rank_question(const Predictions& predictions, std::int64_t index);

// Everything but the ends of the intervals, which are NaN.
QuestionEvaluation evaluate_question(const Predictions& predictions, std::int64_t index,
                                     const RankedScores& ranked, int most_errors);

}  // namespace pillar
