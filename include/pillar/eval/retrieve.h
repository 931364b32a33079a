// Which scan belongs to which report: ranks of matches, intervals, and the nearest studies of a query.
#pragma once

#include "pillar/embed/embedding_cache.h"
#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/retrieval_evaluation.h"
#include "pillar/model/joint_space.h"
#include "pillar/text/text_cache.h"

#include <cstdint>
#include <filesystem>
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

// Pairs are drawn with replacement; ranks stay those among all pairs. The same draws serve both directions.
RetrievalEvaluation evaluate_retrieval(const RetrievalPairs& pairs, const BootstrapOptions& options);

// The `count` studies whose rows (N,W) have the largest product with `query_w`, equal ones by accession.
// `leave_out`: an accession that is not to be among them; empty: none.
std::vector<NearestStudy> nearest_studies(const at::Tensor& query_w, const at::Tensor& rows_nw,
                                          const std::vector<std::string>& accessions, std::int64_t count,
                                          const std::string& leave_out = {});
// The row of an accession. Throws Error(usage) with the nearest name there is.
std::int64_t row_of_accession(const std::vector<std::string>& accessions, const std::string& accession);

}  // namespace pillar
