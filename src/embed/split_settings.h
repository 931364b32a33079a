// Internal: what the embeddings of a split were made with, so that it is not continued with something else.
#pragma once

#include "embed/shared/settings_file.h"

#include <filesystem>
#include <string>

namespace pillar {

// Compares with <cache>/embeddings/<split>.json and writes it. Where the split holds embeddings: throws
// Error(usage) naming what differs; warns where there is no record, after a look at processed.csv.
// --overwrite is no way round: a run that is killed in the middle would leave both kinds side by side.
void claim_split(const std::filesystem::path& cache, const std::string& split, const Settings& settings);

}  // namespace pillar
