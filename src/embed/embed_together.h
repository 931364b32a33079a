// Internal: a list embedded by several processes.
#pragma once

#include "pillar/embed/embed_job.h"

namespace pillar {

// run_embed() of one process among several.
ScanSummary embed_together(const EmbedJob& job, const EmbedFunction& embed, const EmbedTeam& team);

}  // namespace pillar
