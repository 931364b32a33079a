#include "pillar/embed/embed_job.h"

#include "pillar/core/fail.h"

#include "embed/embed_scans.h"
#include "embed/embed_together.h"
#include "embed/open_split.h"

namespace pillar {
namespace {

ScanSummary embed_alone(const EmbedJob& job, const EmbedFunction& embed) {
  OpenSplit split = open_split(job, job.overwrite);
  ScanSummary summary = embed_scans(job, embed, split.cache, split.sources, "embed");
  split.sources.finish();
  record_outcomes(job, split, summary.outcomes);
  return summary;
}

}  // namespace

ScanSummary run_embed(const EmbedJob& job, const EmbedFunction& embed, const EmbedTeam& team) {
  if (job.scans.empty() && job.missing.empty()) fail(ErrorCategory::usage, "no scans to embed");
  return team.size > 1 ? embed_together(job, embed, team) : embed_alone(job, embed);
}

}  // namespace pillar
