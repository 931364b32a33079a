// Internal: what has to be settled before anything of a split is embedded, by one process for all.
#pragma once

#include "pillar/core/write_lock.h"
#include "pillar/embed/embed_job.h"

#include "embed/shared/scan_sources.h"

namespace pillar {

struct OpenSplit {
  WriteLock lock;  // of the split
  EmbeddingCache cache;
  ScanSources sources;               // of all that is there
  std::vector<std::string> removed;  // accessions that the list does not have
};

// Takes the split's lock, claims it for the job's settings, removes what a killed run left half written, and
// settles what is there of studies that the list does not have. `overwrite`: whether nothing is to be said of
// embeddings from now on until they are made again. Throws as run_embed() does.
OpenSplit open_split(const EmbedJob& job, bool overwrite);

// Says of the whole list how it went: processed.csv and failures.csv.
void record_outcomes(const EmbedJob& job, const OpenSplit& split, const std::vector<ScanOutcome>& outcomes);

// <cache>/embeddings/.<split>.parts/<rank>.csv: what one of several processes says of its own embeddings
// while they work, in the form of the sources and held by a lock. Once all is done it is in the split's
// sources and the folder is gone; open_split() does so with what a killed run has left.
std::filesystem::path part_of_sources(const EmbedJob& job, std::int64_t rank);
void remove_parts(const EmbedJob& job);

}  // namespace pillar
