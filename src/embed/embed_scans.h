// Internal: the scans of a job to embeddings, by a process that may write them.
#pragma once

#include "pillar/embed/embed_job.h"

#include "embed/shared/scan_sources.h"

namespace pillar {

// Embeds what is not there yet and tells `sources` which scan each embedding is of; both are flushed now and
// then, and the cache at the end. `label`: of the progress bar.
ScanSummary embed_scans(const EmbedJob& job, const EmbedFunction& embed, EmbeddingCache& cache,
                        ScanSources& sources, const std::string& label);

}  // namespace pillar
