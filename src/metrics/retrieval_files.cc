// What a retrieval run leaves on disk.
#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/metrics/retrieval_evaluation.h"

#include "metrics/json/kinds.h"
#include "metrics/shared/run_folder.h"

#include <system_error>

#include <fmt/format.h>

namespace pillar {
namespace {

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
  make_run_folder(run_folder);
  write_ranks(run_folder / "ranks.csv", evaluation);
  write_nearest(run_folder / "nearest.csv", query);
  write_retrieval_json(run_folder, evaluation, record, query);
}

}  // namespace pillar
