// Internal: a probe and the embeddings that it is asked about, held against each other.
#pragma once

#include "pillar/embed/embedding_cache.h"
#include "pillar/embed/split_maker.h"
#include "pillar/eval/evidence_job.h"
#include "pillar/eval/probe.h"

#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct EvidenceInputs {
  NamedProbe probe;                     // with a mean
  std::vector<std::int64_t> questions;  // rows of the probe that are asked for
  EmbeddingSet set;                     // of the split
  SplitMaker embeddings;                // what they were made with; empty where nothing says it
  std::optional<EmbeddingSet> train;    // of the training split, where the cache has it
};

// Throws what run_evidence() throws of them.
EvidenceInputs read_evidence_inputs(const EvidenceJob& job);

// A row of a probe as one question.
ProbedQuestion probed_question(const NamedProbe& probe, std::int64_t question);

}  // namespace pillar
