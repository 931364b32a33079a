#include "pillar/core/csv.h"
#include "pillar/eval/compare.h"

#include "metrics/shared/metrics_json.h"

#include <cmath>

namespace pillar {
namespace {

using Json = MetricsJson;

std::string cell(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : std::string();
}

void write_compare_csv(const std::filesystem::path& file, const Comparison& comparison) {
  CsvTable table;
  table.header = {"run",          "baseline",     "question",       "category",
                  "num_positive", "num_negative", "baseline_auroc", "auroc",
                  "difference",   "low",          "high",           "verdict"};
  for (const RunComparison& run : comparison.comparisons) {
    for (const QuestionComparison& q : run.questions) {
      table.rows.push_back({run.run, comparison.runs.front().name, q.question, q.category,
                            fmt::format("{}", q.num_positive), fmt::format("{}", q.num_negative),
                            cell(q.baseline_auroc), cell(q.auroc), cell(q.difference.value),
                            cell(q.difference.low), cell(q.difference.high), to_string(q.verdict)});
    }
  }
  write_csv(file, table);
}

Json difference_json(const Interval& difference) {
  return {{"difference", number_json(difference.value)},
          {"low", number_json(difference.low)},
          {"high", number_json(difference.high)}};
}

Json question_json(const QuestionComparison& q) {
  Json json = {{"question", q.question},
               {"category", q.category},
               {"num_positive", q.num_positive},
               {"num_negative", q.num_negative},
               {"baseline_auroc", q.baseline_auroc},
               {"auroc", q.auroc}};
  json.update(difference_json(q.difference));
  json["verdict"] = to_string(q.verdict);
  return json;
}

Json run_json(const ComparedRun& run) {
  return {{"name", run.name},
          {"path", run.path.string()},
          {"kind", run.kind},
          {"macro_auroc", interval_json(run.macro_auroc)},
          {"left_out_accessions", run.left_out_accessions},
          {"left_out_questions", run.left_out_questions}};
}

Json comparison_json(const RunComparison& run, const std::string& baseline) {
  Json json = {{"run", run.run}, {"baseline", baseline}};
  json["macro"] = difference_json(run.difference.mean);
  json["macro"]["questions"] = run.difference.questions;
  json["wins"] = run.wins;
  json["ties"] = run.ties;
  json["losses"] = run.losses;
  json["questions"] = Json::array();
  for (const QuestionComparison& question : run.questions)
    json["questions"].push_back(question_json(question));
  return json;
}

}  // namespace

void write_comparison(const std::filesystem::path& folder, const Comparison& comparison,
                      const RunRecord& record) {
  Json json = metrics_head(record);
  json["counts"] = {{"test", comparison.num_studies},
                    {"questions", comparison.num_questions},
                    {"evaluated", comparison.num_evaluated}};
  json["bootstrap"] = bootstrap_json(comparison.bootstrap, comparison.unit, comparison.num_units);
  json["runs"] = Json::array();
  for (const ComparedRun& run : comparison.runs) json["runs"].push_back(run_json(run));
  json["comparisons"] = Json::array();
  for (const RunComparison& run : comparison.comparisons)
    json["comparisons"].push_back(comparison_json(run, comparison.runs.front().name));
  make_run_folder(folder);
  write_compare_csv(folder / "compare.csv", comparison);
  write_metrics_json(folder, json);
}

}  // namespace pillar
