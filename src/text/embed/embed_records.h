// Internal: what is kept on disk of a cache that is being made.
#pragma once

#include "pillar/text/text_embed_job.h"

#include "text/cache/study_digest.h"

#include <map>
#include <string>
#include <vector>

namespace pillar {

struct TextFailure {
  std::string study, file, reason;
};

// What a cache folder has: which report each study's vector is of.
struct CacheRecords {
  std::int64_t width = 0;                      // 0: not known yet
  std::string split;                           // of metadata.json
  std::map<StudyDigest, StudyDigest> reports;  // study -> report
};

// Throws Error(usage) if the folder holds a cache that `job` cannot go on with. Only studies that
// metadata.json and reports.csv agree about, and whose vector reads.
CacheRecords read_cache_records(const TextEmbedJob& job);
void write_cache_records(const TextEmbedJob& job, const CacheRecords& records);
void write_text_failures(const TextEmbedJob& job, const std::vector<TextFailure>& failures);

}  // namespace pillar
