// What a retrieval run leaves on disk.
#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/eval/retrieve.h"

#include "metrics/shared/metrics_json.h"

#include <algorithm>

namespace pillar {
namespace {

constexpr std::array<std::pair<const char*, int>, 4> kCuts = {
    {{"recall_at_1", 1}, {"recall_at_5", 5}, {"recall_at_10", 10}, {"recall_at_50", 50}}};

MetricsJson direction_json(const RetrievalDirection& direction) {
  return {{"recall_at_1", interval_json(direction.recall_at_1)},
          {"recall_at_5", interval_json(direction.recall_at_5)},
          {"recall_at_10", interval_json(direction.recall_at_10)},
          {"recall_at_50", interval_json(direction.recall_at_50)},
          {"median_rank", interval_json(direction.median_rank)}};
}

// What guessing gives.
MetricsJson chance_json(std::int64_t pairs) {
  MetricsJson json;
  for (const auto& [name, cut] : kCuts)
    json[name] = static_cast<double>(std::min<std::int64_t>(cut, pairs)) / static_cast<double>(pairs);
  json["median_rank"] = static_cast<double>(pairs + 1) / 2;
  return json;
}

MetricsJson query_json(const RetrievalQuery& query) {
  MetricsJson json = {{"kind", query.kind}, {"text", query.text}, {"nearest", MetricsJson::array()}};
  for (const NearestStudy& study : query.nearest) {
    json["nearest"].push_back(
        {{"accession", study.accession}, {"rank", study.rank}, {"score", number_json(study.score)}});
  }
  return json;
}

void write_ranks(const std::filesystem::path& file, const RetrievalEvaluation& evaluation) {
  CsvTable table{{"accession", "image_to_text_rank", "text_to_image_rank"}, {}};
  for (std::size_t n = 0; n < evaluation.accessions.size(); ++n) {
    table.rows.push_back({evaluation.accessions[n], fmt::format("{}", evaluation.image_to_text.ranks[n]),
                          fmt::format("{}", evaluation.text_to_image.ranks[n])});
  }
  write_csv(file, table);
}

// Without a query, that of an earlier run in this folder goes away.
void write_nearest(const std::filesystem::path& file, const std::optional<RetrievalQuery>& query) {
  if (!query) {
    std::error_code error;
    std::filesystem::remove(file, error);
    if (error) fail(ErrorCategory::io, "{}: cannot be removed: {}", file, error.message());
    return;
  }
  CsvTable table{{"accession", "rank", "score"}, {}};
  for (const NearestStudy& study : query->nearest)
    table.rows.push_back({study.accession, fmt::format("{}", study.rank), fmt::format("{}", study.score)});
  write_csv(file, table);
}

}  // namespace

void write_retrieval(const std::filesystem::path& run_folder, const RetrievalEvaluation& evaluation,
                     const RunRecord& record, const std::optional<RetrievalQuery>& query) {
  const auto pairs = static_cast<std::int64_t>(evaluation.accessions.size());
  MetricsJson json = metrics_head(record);
  json["counts"] = {{"pairs", pairs}, {"without_text", evaluation.without_text}};
  json["bootstrap"] = bootstrap_json(evaluation.bootstrap, "study", pairs);
  json["text_to_image"] = direction_json(evaluation.text_to_image);
  json["image_to_text"] = direction_json(evaluation.image_to_text);
  json["chance"] = chance_json(pairs);
  if (query) json["query"] = query_json(*query);
  make_run_folder(run_folder);
  write_ranks(run_folder / "ranks.csv", evaluation);
  write_nearest(run_folder / "nearest.csv", query);
  write_metrics_json(run_folder, json);
}

}  // namespace pillar
