#include "metrics/json/kinds.h"
#include "metrics/json/parts.h"

#include <array>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

struct RetrievalMeasure {
  const char* key;
  Interval RetrievalDirection::*interval;
  double RetrievalScores::*score;
};
constexpr std::array<RetrievalMeasure, 5> kMeasureKeys = {
    {{"recall_at_1", &RetrievalDirection::recall_at_1, &RetrievalScores::recall_at_1},
     {"recall_at_5", &RetrievalDirection::recall_at_5, &RetrievalScores::recall_at_5},
     {"recall_at_10", &RetrievalDirection::recall_at_10, &RetrievalScores::recall_at_10},
     {"recall_at_50", &RetrievalDirection::recall_at_50, &RetrievalScores::recall_at_50},
     {"median_rank", &RetrievalDirection::median_rank, &RetrievalScores::median_rank}}};

MetricsJson direction_json(const RetrievalDirection& direction) {
  MetricsJson json;
  for (const RetrievalMeasure& measure : kMeasureKeys)
    json[measure.key] = interval_json(direction.*measure.interval);
  return json;
}

RetrievalDirection read_direction(const JsonPlace& place) {
  RetrievalDirection direction;
  for (const RetrievalMeasure& measure : kMeasureKeys)
    direction.*measure.interval = read_interval(place.at(measure.key));
  return direction;
}

MetricsJson chance_json(const RetrievalScores& chance) {
  MetricsJson json;
  for (const RetrievalMeasure& measure : kMeasureKeys) json[measure.key] = number_json(chance.*measure.score);
  return json;
}

RetrievalScores read_chance(const JsonPlace& place, std::int64_t pairs) {
  RetrievalScores chance;
  chance.count = pairs;
  for (const RetrievalMeasure& measure : kMeasureKeys) chance.*measure.score = place.number(measure.key);
  return chance;
}

MetricsJson query_json(const RetrievalQuery& query) {
  MetricsJson json = {{"kind", query.kind}, {"text", query.text}, {"nearest", MetricsJson::array()}};
  for (const NearestStudy& study : query.nearest) {
    json["nearest"].push_back(
        {{"accession", study.accession}, {"rank", study.rank}, {"score", number_json(study.score)}});
  }
  return json;
}

RetrievalQuery read_query(const JsonPlace& place) {
  RetrievalQuery query;
  query.kind = place.text("kind");
  query.text = place.text("text");
  if (query.kind != "accession" && query.kind != "report") place.at("kind").refuse("accession or report");
  for (const JsonPlace& study : place.at("nearest").items())
    query.nearest.push_back({study.text("accession"), study.whole("rank"), study.number("score")});
  return query;
}

}  // namespace

void write_retrieval_json(const std::filesystem::path& run_folder, const RetrievalEvaluation& evaluation,
                          const RunRecord& record, const std::optional<RetrievalQuery>& query) {
  MetricsJson json = metrics_head(record);
  json["counts"] = {{"pairs", evaluation.num_pairs}, {"without_text", evaluation.without_text}};
  json["bootstrap"] = bootstrap_json(evaluation.bootstrap, evaluation.unit, evaluation.num_units);
  json["text_to_image"] = direction_json(evaluation.text_to_image);
  json["image_to_text"] = direction_json(evaluation.image_to_text);
  json["chance"] = chance_json(evaluation.chance);
  if (query) json["query"] = query_json(*query);
  write_metrics_json(run_folder, json);
}

RetrievalMetrics read_retrieval(const JsonPlace& metrics) {
  RetrievalMetrics read;
  RetrievalEvaluation& evaluation = read.evaluation;
  const JsonPlace counts = metrics.at("counts");
  evaluation.num_pairs = counts.whole("pairs");
  evaluation.without_text = read_count_or_zero(counts, "without_text");
  read_bootstrap(metrics, evaluation.bootstrap, evaluation.unit, evaluation.num_units);
  if (metrics.has("query")) read.query = read_query(metrics.at("query"));
  evaluation.chance = read_chance(metrics.at("chance"), evaluation.num_pairs);
  evaluation.text_to_image = read_direction(metrics.at("text_to_image"));
  evaluation.image_to_text = read_direction(metrics.at("image_to_text"));
  return read;
}

}  // namespace pillar
