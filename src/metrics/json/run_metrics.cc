#include "pillar/metrics/run_metrics.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "core/shared/json_place.h"
#include "metrics/json/kinds.h"
#include "metrics/json/parts.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr std::uint64_t kMostMetricsBytes = std::uint64_t{1} << 28;
constexpr std::uint64_t kMostComparedBytes = std::uint64_t{1} << 30;

RunResult read_result(const std::string& kind, const JsonPlace& metrics) {
  // Without labels a zero-shot run has questions, and no means over them.
  if (kind == "zero-shot" && !metrics.has("macro")) return read_unlabelled(metrics);
  if (kind == "probe" || kind == "zero-shot" || kind == "finetune") return read_evaluation(metrics);
  if (kind == "compare") return read_comparison(metrics);
  if (kind == "retrieve") return read_retrieval(metrics);
  if (kind == "finetune-survival") return read_survival(metrics);
  if (kind == "localize") return read_localization(metrics);
  metrics.at("kind").refuse("probe, zero-shot, finetune, finetune-survival, retrieve, compare or localize");
}

}  // namespace

RunMetrics read_run_metrics(const std::filesystem::path& metrics_json) {
  const JsonPlace metrics = JsonPlace::read_object(metrics_json, kMostMetricsBytes);
  RunResult result = read_result(read_kind(metrics), metrics);
  return {read_head(metrics), std::move(result)};
}

RunQuestions read_run_questions(const std::filesystem::path& metrics_json) {
  try {
    const auto json = nlohmann::json::parse(read_text_file(metrics_json, kMostComparedBytes));
    RunQuestions run;
    run.kind = json.at("kind").get<std::string>();
    run.settings = json.value("settings", run.settings);
    run.are_classes = json.contains("classes");
    for (const auto& question : json.value("questions", nlohmann::json::array()))
      run.category_of[question.at("question").get<std::string>()] = question.value("category", "");
    return run;
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCategory::input, "{}: not the metrics of a run: {}", metrics_json,
         printable(error.what(), 300));
  }
}

}  // namespace pillar
