// The studies that one modality trains on: scans, report embeddings, and what is wrong with them.
#pragma once

#include "pillar/data/manifest.h"
#include "pillar/data/study_pool.h"
#include "pillar/text/text_cache.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// One dataset of a run's configuration.
struct PretrainSource {
  std::string name;                  // for messages
  std::filesystem::path manifest;    // CSV: sample_name, image_cache_path
  std::filesystem::path json_lines;  // reports; empty: every sample of the manifest
  std::filesystem::path text_cache;  // what TextCache::open takes
  std::string text_category = "all_findings";
};

// Studies of all sources of one modality, in the order of the sources and their files.
struct PretrainPool : StudyPool {
  at::Tensor text_nw;  // (studies, width) float32, as cached
};

// (B, width): the texts of the studies with these indices. Throws Error(usage) where text_nw is not as it
// should be.
at::Tensor texts_of(const PretrainPool& pool, const std::vector<std::int64_t>& studies);

// Reads manifests and vectors, opens every sample (headers, not voxels) on `threads` threads, and leaves out
// of the pool what has a fault: missing sample, missing or broken vector, no scan, another modality than the
// spec's. All faults are added to `faults`; it is the caller's to stop. Throws Error(io | input) for a broken
// manifest or cache, caches of different widths (naming both), a study name that two sources share, no study
// at all; Error(usage) for no sources or no thread.
PretrainPool load_pretrain_pool(const std::vector<PretrainSource>& sources, const PreprocessSpec& spec,
                                int threads, std::vector<StudyFault>& faults);

}  // namespace pillar
