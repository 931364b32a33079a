// Internal: mapping.csv, manifest.csv and failures.csv of a batch.
#pragma once

#include "pillar/rave/encode_job.h"

namespace pillar {

// Rows of samples that this batch did not touch and that still exist are kept, so that a folder can grow by
// many runs. manifest.csv (sample_name, image_cache_path relative to its folder) has the same samples.
void write_mapping(const std::filesystem::path& output_folder, const std::vector<EncodeOutcome>& outcomes);
void record_failures(const std::filesystem::path& output_folder, const std::vector<EncodeOutcome>& outcomes);

// Size of a file, or of all files below a folder.
std::uint64_t bytes_below(const std::filesystem::path& path);

}  // namespace pillar
