// Internal: one question, closer.
#pragma once

#include "viz/probe_metrics.h"
#include "viz/report/run_facts.h"

#include <string>

namespace pillar::viz {

// ROC curve, reliability curve, counts and the most confident errors, without an enclosing element.
std::string question_detail(const QuestionMetrics& question, const RunFolder& folder);

}  // namespace pillar::viz
