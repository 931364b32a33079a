// A retrieval run: embeddings and reports in, ranks and the nearest studies of a query out.
#pragma once

#include "pillar/eval/retrieve.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct RetrieveJob {
  std::filesystem::path cache;  // embeddings/<split>/...
  std::string split = "test";
  std::filesystem::path text;  // cache of report embeddings, by accession
  std::string category = "all_findings";
  std::filesystem::path out;  // run folder
  // One of them, or neither.
  std::string query;         // accession
  std::string report;        // words, and
  at::Tensor report_vector;  // (text width): what they were embedded to
  std::int64_t nearest = 10;
  bool allow_mixed = false;  // the embeddings may be of other weights than the model's
  BootstrapOptions bootstrap;
  std::vector<std::string> command;             // argv
  std::map<std::string, std::string> settings;  // how report_vector was made
};

struct RetrieveRun {
  RetrievalEvaluation evaluation;
  std::optional<RetrievalQuery> query;
};

// Writes what write_retrieval() writes. A query's neighbours are looked for among all studies of the split,
// with text or without; an accession is not its own neighbour. Throws Error(io | input): what
// load_embeddings() and retrieval_pairs() throw; Error(usage): an accession that is not there.
RetrieveRun run_retrieve(const JointSpace& space, const RetrieveJob& job);

}  // namespace pillar
