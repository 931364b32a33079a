// What a retrieval run says: how well scans find their reports and reports their scans, and whom a query
// found.
#pragma once

#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/retrieval.h"
#include "pillar/metrics/run_record.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct RetrievalDirection {
  std::vector<double> ranks;  // of the match of every query (retrieval_ranks()); kept in ranks.csv alone
  Interval recall_at_1, recall_at_5, recall_at_10, recall_at_50, median_rank;
};

struct RetrievalEvaluation {
  std::vector<std::string> accessions;              // one a pair; kept in ranks.csv alone
  std::int64_t num_pairs = 0, without_text = 0;     // without_text: studies that were left out
  BootstrapOptions bootstrap;                       // pairs are drawn
  std::string unit = "study";                       // "study" or "patient"
  std::int64_t num_units = 0;                       // that were drawn from
  RetrievalDirection text_to_image, image_to_text;  // a scan for a report; a report for a scan
  RetrievalScores chance;                           // what guessing gives
};

struct NearestStudy {
  std::string accession;
  std::int64_t rank = 0;  // from 1
  double score = 0;       // cosine
};

struct RetrievalQuery {
  std::string kind;  // "accession" or "report"
  std::string text;  // the accession, or the report's words
  std::vector<NearestStudy> nearest;
};

// Writes metrics.json, ranks.csv (accession,image_to_text_rank,text_to_image_rank) and, with a query,
// nearest.csv (accession,rank,score); makes the folder. Throws Error(io).
void write_retrieval(const std::filesystem::path& run_folder, const RetrievalEvaluation& evaluation,
                     const RunRecord& record, const std::optional<RetrievalQuery>& query);

}  // namespace pillar
