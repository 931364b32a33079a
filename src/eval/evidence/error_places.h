// Internal: where the scores of a probe's most confident errors come from.
#pragma once

#include "pillar/embed/embedding_cache.h"
#include "pillar/eval/probe.h"
#include "pillar/metrics/evaluation.h"

#include <filesystem>
#include <string>

namespace pillar {

// <run_folder>/error_places.csv (accession,question,x_mm,y_mm,z_mm,share), which the run's page shows: of
// each error the strongest place of what speaks for the wrong answer, where the cache says which tokens that
// is. No file where it says it of none. `set`: the embeddings of the split. Throws Error(io | input).
void write_error_places(const std::filesystem::path& run_folder, const std::filesystem::path& cache,
                        const std::string& split, const EmbeddingSet& set, const NamedProbe& probe,
                        const Evaluation& evaluation);

}  // namespace pillar
