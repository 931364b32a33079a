// Internal: processed.csv of a batch.
#pragma once

#include "pillar/embed/embed_job.h"

namespace pillar {

// One row for each accession of the split that is there now; rows of others stay. Sorted by split and
// accession.
void record_processed(const EmbedJob& job, const std::vector<ScanOutcome>& outcomes);

}  // namespace pillar
