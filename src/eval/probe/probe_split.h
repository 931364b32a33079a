// Internal: a split of the benchmark, embeddings beside what is true of them.
#pragma once

#include "pillar/embed/embedding_cache.h"
#include "pillar/eval/probe.h"
#include "pillar/labels/labels.h"
#include "pillar/labels/patients.h"
#include "pillar/metrics/run_record.h"

#include "eval/makers.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace pillar {

struct BenchmarkSplit {
  std::string name;
  std::vector<std::string> accessions;  // N, sorted
  ProbeData data;
  at::Tensor given_qn;  // what the labels say, values of Answer
  InputRecord record;
  NamedMaker maker;
};

// What stands for a split's embeddings once they are read: those of its pairs of studies, say.
using ChangeOfSplit = std::function<EmbeddingSet(const EmbeddingSet& set, const std::string& split)>;

// Warns of studies without labels and of answers that are missing or uncertain, with how they count. Throws
// what load_embeddings() throws, and Error(input) where no accession has labels.
BenchmarkSplit load_split(const std::filesystem::path& cache, const std::string& split,
                          const LabelTable& labels, const AnswerRules& rules,
                          const ChangeOfSplit& change = {});

// Throws Error(input) for two widths, and, unless overlap is allowed, for an accession or a patient in both.
// Without a patient table, embeddings of `b` that have a near copy in `a` are counted, and a warning says so.
// Returns what the two share in words, for the record; empty where nothing.
std::string check_apart(const BenchmarkSplit& a, const BenchmarkSplit& b, const PatientTable& patients,
                        bool allow_overlap);

// Of accessions and numbers, whatever files they lie in.
InputRecord embeddings_record(const std::string& what, const std::filesystem::path& folder,
                              const EmbeddingSet& set);

}  // namespace pillar
