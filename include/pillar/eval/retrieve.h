// Which scan belongs to which report: ranks of matches, intervals, and the nearest studies of a query.
#pragma once

#include "pillar/embed/embedding_cache.h"
#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/run_record.h"
#include "pillar/model/joint_space.h"
#include "pillar/text/text_cache.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct RetrievalPairs {
  std::vector<std::string> accessions;  // N
  at::Tensor images_nw, texts_nw;       // float64, unit rows; row n of both is of accession n
  std::int64_t without_text = 0;        // studies that were left out
};
// Throws Error(input): no study has a text in the cache; what image_embeddings(), text_embeddings() and
// TextCache::vector() throw.
RetrievalPairs retrieval_pairs(const JointSpace& space, const EmbeddingSet& images,
                               const std::filesystem::path& text_cache, const std::string& category);

struct RetrievalDirection {
  std::vector<double> ranks;  // N, of the match of every query (retrieval_ranks())
  Interval recall_at_1, recall_at_5, recall_at_10, recall_at_50, median_rank;
};
struct RetrievalEvaluation {
  std::vector<std::string> accessions;  // N
  std::int64_t without_text = 0;
  BootstrapOptions bootstrap;
  RetrievalDirection text_to_image, image_to_text;  // a scan for a report; a report for a scan
};
// Pairs are drawn with replacement; ranks stay those among all pairs. The same draws serve both directions.
RetrievalEvaluation evaluate_retrieval(const RetrievalPairs& pairs, const BootstrapOptions& options);

struct NearestStudy {
  std::string accession;
  std::int64_t rank = 0;  // from 1
  double score = 0;       // cosine
};
// The `count` studies whose rows (N,W) have the largest product with `query_w`, equal ones by accession.
// `leave_out`: an accession that is not to be among them; empty: none.
std::vector<NearestStudy> nearest_studies(const at::Tensor& query_w, const at::Tensor& rows_nw,
                                          const std::vector<std::string>& accessions, std::int64_t count,
                                          const std::string& leave_out = {});
// The row of an accession. Throws Error(usage) with the nearest name there is.
std::int64_t row_of_accession(const std::vector<std::string>& accessions, const std::string& accession);

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
