// Internal: processed.csv of a batch.
#pragma once

#include "pillar/embed/embed_job.h"

namespace pillar {

// One row for each accession of the split that is there now; those of `removed` go, rows of others stay, also
// those that another process writes at the same time. Sorted by split and accession.
void record_processed(const EmbedJob& job, const std::vector<ScanOutcome>& outcomes,
                      const std::vector<std::string>& removed);

}  // namespace pillar
