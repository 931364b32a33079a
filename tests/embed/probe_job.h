// A batch of embeddings without a model, and scans for it.
#pragma once

#include "pillar/embed/embed_job.h"

#include "support/temp_dir.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar::test {

constexpr SizeDhw kProbeSize = {12, 40, 36};

// A CT sample `<accession>.1.0`.
std::filesystem::path make_sample(const TempDir& dir, const std::string& accession, std::uint32_t seed);

// Stands for a model: three numbers that depend on every voxel and its place.
at::Tensor probe(const at::Tensor& voxels_bcdhw);

// What it makes of a sample on disk.
at::Tensor probe_of(const std::filesystem::path& sample);

// Of scans that say themselves what they are called.
EmbedJob quiet_job(const std::filesystem::path& cache, const std::vector<std::filesystem::path>& scans);

}  // namespace pillar::test
