#include "metrics/json/kinds.h"
#include "metrics/json/parts.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

MetricsJson year_json(const SurvivalYear& year, std::size_t number) {
  return {{"year", number},
          {"num_positive", year.num_positive},
          {"num_negative", year.num_negative},
          {"auroc", interval_json(year.auroc)},
          {"average_precision", interval_json(year.average_precision)},
          {"pr_auc", number_json(year.pr_auc)}};
}

SurvivalYear read_year(const JsonPlace& place, std::size_t number) {
  if (place.whole("year") != static_cast<std::int64_t>(number))
    place.at("year").refuse("the next year, from 1 on");
  SurvivalYear year;
  year.num_positive = place.whole("num_positive");
  year.num_negative = place.whole("num_negative");
  year.auroc = read_interval(place.at("auroc"));
  year.average_precision = read_interval(place.at("average_precision"));
  year.pr_auc = place.number("pr_auc");
  return year;
}

}  // namespace

void write_survival_json(const std::filesystem::path& run_folder, const SurvivalEvaluation& evaluation,
                         const RunRecord& record) {
  MetricsJson json = metrics_head(record);
  json["counts"] = {{"test", evaluation.num_studies}, {"events", evaluation.num_events}};
  json["bootstrap"] = bootstrap_json(evaluation.bootstrap, evaluation.unit, evaluation.num_units);
  json["c_index"] = interval_json(evaluation.concordance);
  json["pairs"] = {{"right", evaluation.sums.right},
                   {"tied", evaluation.sums.tied},
                   {"all", evaluation.sums.pairs},
                   {"watched", evaluation.watched_k}};
  json["years"] = MetricsJson::array();
  for (std::size_t y = 0; y < evaluation.years.size(); ++y)
    json["years"].push_back(year_json(evaluation.years[y], y + 1));
  write_metrics_json(run_folder, json);
}

SurvivalEvaluation read_survival(const JsonPlace& metrics) {
  SurvivalEvaluation evaluation;
  const JsonPlace counts = metrics.at("counts");
  evaluation.num_studies = counts.whole("test");
  evaluation.num_events = counts.whole("events");
  read_bootstrap(metrics, evaluation.bootstrap, evaluation.unit, evaluation.num_units);
  evaluation.concordance = read_interval(metrics.at("c_index"));
  const JsonPlace pairs = metrics.at("pairs");
  evaluation.sums = {pairs.number("right"), pairs.number("tied"), pairs.number("all")};
  for (const JsonPlace& value : pairs.at("watched").items()) evaluation.watched_k.push_back(value.number());
  for (const JsonPlace& place : metrics.at("years").items())
    evaluation.years.push_back(read_year(place, evaluation.years.size() + 1));
  return evaluation;
}

}  // namespace pillar
