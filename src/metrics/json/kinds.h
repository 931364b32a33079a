// Internal: metrics.json of each kind of run. A kind's keys stand in one source, which writes and reads them.
// Writers make the folder and throw Error(io); readers throw Error(input) naming file and key.
#pragma once

#include "pillar/metrics/comparison.h"
#include "pillar/metrics/evaluation.h"
#include "pillar/metrics/localization.h"
#include "pillar/metrics/retrieval_evaluation.h"
#include "pillar/metrics/run_metrics.h"
#include "pillar/metrics/run_record.h"
#include "pillar/metrics/survival.h"

#include "core/shared/json_place.h"

#include <filesystem>
#include <optional>

namespace pillar {

// "probe", "zero-shot" and "finetune" (evaluation_json.cc). `training` has a count for every question.
void write_evaluation_json(const std::filesystem::path& run_folder, const Evaluation& evaluation,
                           const RunRecord& record, const std::optional<TrainingCounts>& training);
EvaluationMetrics read_evaluation(const JsonPlace& metrics);

// "zero-shot" without labels, which write_unlabelled() writes (evaluation_json.cc).
UnlabelledRun read_unlabelled(const JsonPlace& metrics);

// "compare" (comparison_json.cc).
void write_comparison_json(const std::filesystem::path& folder, const Comparison& comparison,
                           const RunRecord& record);
Comparison read_comparison(const JsonPlace& metrics);

// "localize" (localization_json.cc).
void write_localization_json(const std::filesystem::path& run_folder,
                             const LocalizationEvaluation& evaluation, const RunRecord& record);
LocalizationEvaluation read_localization(const JsonPlace& metrics);

// "retrieve" (retrieval_json.cc).
void write_retrieval_json(const std::filesystem::path& run_folder, const RetrievalEvaluation& evaluation,
                          const RunRecord& record, const std::optional<RetrievalQuery>& query);
RetrievalMetrics read_retrieval(const JsonPlace& metrics);

// "finetune-survival" (survival_json.cc).
void write_survival_json(const std::filesystem::path& run_folder, const SurvivalEvaluation& evaluation,
                         const RunRecord& record);
SurvivalEvaluation read_survival(const JsonPlace& metrics);

}  // namespace pillar
