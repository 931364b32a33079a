// Internal: a split of the benchmark, embeddings beside what is true of them.
#pragma once

#include "pillar/embed/embedding_cache.h"
#include "pillar/eval/probe.h"
#include "pillar/labels/labels.h"
#include "pillar/metrics/run_record.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct BenchmarkSplit {
  std::string name;
  std::vector<std::string> accessions;  // N, sorted
  ProbeData data;
  InputRecord record;
};

// Warns of studies without labels, which count as the missing answers do. Throws what load_embeddings()
// throws, and Error(input) where no accession has labels.
BenchmarkSplit load_split(const std::filesystem::path& cache, const std::string& split,
                          const LabelTable& labels, MissingAnswers missing);

// Throws Error(input) for two widths, and, unless overlap is allowed, for an accession in both.
void check_apart(const BenchmarkSplit& a, const BenchmarkSplit& b, bool allow_overlap);

// Of accessions and numbers, whatever files they lie in.
InputRecord embeddings_record(const std::string& what, const std::filesystem::path& folder,
                              const EmbeddingSet& set);

}  // namespace pillar
