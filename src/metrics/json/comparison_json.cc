#include "metrics/json/kinds.h"
#include "metrics/json/parts.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr const char* kDifference = "difference";

Verdict read_verdict(const JsonPlace& place) {
  const std::string text = place.text();
  for (const Verdict verdict : {Verdict::win, Verdict::tie, Verdict::loss})
    if (text == to_string(verdict)) return verdict;
  place.refuse("win, tie or loss");
}

MetricsJson compared_question_json(const QuestionComparison& q) {
  MetricsJson json = {{"question", q.question},
                      {"category", q.category},
                      {"num_positive", q.num_positive},
                      {"num_negative", q.num_negative},
                      {"baseline_auroc", q.baseline_auroc},
                      {"auroc", q.auroc}};
  json.update(interval_json(q.difference, kDifference));
  json["verdict"] = to_string(q.verdict);
  json["delong"] = {{"low", number_json(q.delong.difference.low)},
                    {"high", number_json(q.delong.difference.high)},
                    {"p", number_json(q.delong.p)}};
  return json;
}

QuestionComparison read_compared_question(const JsonPlace& place) {
  QuestionComparison q;
  q.question = place.text("question");
  q.category = place.has("category") ? place.text("category") : "";
  q.verdict = read_verdict(place.at("verdict"));
  q.num_positive = place.whole("num_positive");
  q.num_negative = place.whole("num_negative");
  q.baseline_auroc = place.number("baseline_auroc");
  q.auroc = place.number("auroc");
  q.difference = read_interval(place, kDifference);
  q.delong.difference.value = q.difference.value;
  if (!place.has("delong")) return q;
  const JsonPlace delong = place.at("delong");
  q.delong = {{q.difference.value, delong.number("low"), delong.number("high")}, delong.number("p")};
  return q;
}

MetricsJson compared_run_json(const ComparedRun& run) {
  return {{"name", run.name},
          {"path", run.path.string()},
          {"kind", run.kind},
          {"macro_auroc", interval_json(run.macro_auroc)},
          {"left_out_accessions", run.left_out_accessions},
          {"left_out_questions", run.left_out_questions}};
}

ComparedRun read_compared_run(const JsonPlace& place) {
  ComparedRun run;
  run.macro_auroc = read_interval(place.at("macro_auroc"));
  run.name = place.text("name");
  run.kind = place.text("kind");
  run.path = place.text("path");
  run.left_out_accessions = read_count_or_zero(place, "left_out_accessions");
  run.left_out_questions = read_count_or_zero(place, "left_out_questions");
  return run;
}

MetricsJson run_comparison_json(const RunComparison& run) {
  MetricsJson json = {{"run", run.run}, {"baseline", run.baseline}};
  json["macro"] = interval_json(run.difference.mean, kDifference);
  json["macro"]["questions"] = run.difference.questions;
  json["wins"] = run.wins;
  json["ties"] = run.ties;
  json["losses"] = run.losses;
  json["questions"] = MetricsJson::array();
  for (const QuestionComparison& question : run.questions)
    json["questions"].push_back(compared_question_json(question));
  return json;
}

RunComparison read_run_comparison(const JsonPlace& place) {
  RunComparison run;
  run.run = place.text("run");
  run.baseline = place.text("baseline");
  const JsonPlace macro = place.at("macro");
  run.difference = {read_interval(macro, kDifference), macro.whole("questions")};
  run.wins = place.whole("wins");
  run.ties = place.whole("ties");
  run.losses = place.whole("losses");
  for (const JsonPlace& question : place.at("questions").items())
    run.questions.push_back(read_compared_question(question));
  return run;
}

}  // namespace

void write_comparison_json(const std::filesystem::path& folder, const Comparison& comparison,
                           const RunRecord& record) {
  MetricsJson json = metrics_head(record);
  json["counts"] = {{"test", comparison.num_studies},
                    {"questions", comparison.num_questions},
                    {"evaluated", comparison.num_evaluated}};
  json["bootstrap"] = bootstrap_json(comparison.bootstrap, comparison.unit, comparison.num_units);
  json["runs"] = MetricsJson::array();
  for (const ComparedRun& run : comparison.runs) json["runs"].push_back(compared_run_json(run));
  json["comparisons"] = MetricsJson::array();
  for (const RunComparison& run : comparison.comparisons)
    json["comparisons"].push_back(run_comparison_json(run));
  write_metrics_json(folder, json);
}

Comparison read_comparison(const JsonPlace& metrics) {
  Comparison comparison;
  if (metrics.has("counts")) {
    const JsonPlace counts = metrics.at("counts");
    comparison.num_studies = read_count_or_zero(counts, "test");
    comparison.num_questions = read_count_or_zero(counts, "questions");
    comparison.num_evaluated = read_count_or_zero(counts, "evaluated");
  }
  for (const JsonPlace& place : metrics.at("comparisons").items())
    comparison.comparisons.push_back(read_run_comparison(place));
  read_bootstrap(metrics, comparison.bootstrap, comparison.unit, comparison.num_units);
  for (const JsonPlace& place : metrics.at("runs").items())
    comparison.runs.push_back(read_compared_run(place));
  return comparison;
}

}  // namespace pillar
