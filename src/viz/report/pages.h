// Internal: the bodies of the pages, by kind of run.
#pragma once

#include "pillar/metrics/comparison.h"
#include "pillar/metrics/evaluation.h"
#include "pillar/metrics/localization.h"
#include "pillar/metrics/run_metrics.h"
#include "pillar/metrics/survival.h"

#include "viz/report/run_facts.h"

#include <string>

namespace pillar::viz {

struct PageBody {
  std::string about;  // a line under the title, plain text
  std::string html;
};

// `kind`: "probe", "zero-shot" or "finetune".
PageBody probe_page(const EvaluationMetrics& metrics, const std::string& kind, const RunFolder& folder);
PageBody unlabelled_page(const UnlabelledRun& run);  // zero-shot without labels
PageBody compare_page(const Comparison& comparison);
PageBody retrieval_page(const RetrievalMetrics& metrics, const RunFolder& folder);
PageBody localization_page(const LocalizationEvaluation& evaluation);
PageBody survival_page(const SurvivalEvaluation& evaluation);

// Search field and slider over the questions of a table, which the page's script brings to life.
std::string question_controls();

}  // namespace pillar::viz
