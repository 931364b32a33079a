// Internal: a split of pairs of studies, as a split of studies.
#pragma once

#include "pillar/eval/study_pairs.h"

#include "eval/probe/probe_split.h"

#include <filesystem>
#include <string>

namespace pillar {

// The embeddings of a split, replaced by those of its pairs: each goes by its key, sorted. A pair is of the
// split that both of its studies are in. A pair whose current study is in the split and whose prior study has
// no embedding anywhere is left out with a warning. Throws Error(input) where no pair is of the split.
EmbeddingSet pair_embeddings(const EmbeddingSet& studies, const std::string& split, const PairTable& pairs,
                             PairFeatures features);

// Throws Error(input) for a patient whose studies are in two of the splits, naming both.
void check_patients_apart(const std::filesystem::path& cache, const std::vector<std::string>& splits,
                          const PairTable& pairs);

}  // namespace pillar
