// Internal: one question, closer.
#pragma once

#include "pillar/metrics/evaluation.h"

#include "viz/report/run_facts.h"

#include <cstdint>
#include <optional>
#include <string>

namespace pillar::viz {

// How many of the studies that the scores were learned from answered a question.
struct TrainingAnswers {
  std::int64_t positives = 0, negatives = 0;
};

// ROC curve, reliability curve, counts and the most confident errors, without an enclosing element.
std::string question_detail(const QuestionEvaluation& question,
                            const std::optional<TrainingAnswers>& training, const RunFolder& folder);

}  // namespace pillar::viz
