// Small caches on disk in the public layout.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar::test {

using Vectors = std::map<std::string, at::Tensor>;  // by category

std::string hash_of(const std::string& study_id);

// metadata.json of `studies`, hash by hash, as the public code writes it; `changes` is a JSON object merged
// into it.
std::string public_metadata(const std::map<std::string, std::string>& path_by_hash, std::int64_t width,
                            const std::string& changes = "{}");

// The whole folder. Files are torch.save()'s as the tests of core make them, not as our writer does.
void write_public_cache(const std::filesystem::path& folder, const std::map<std::string, Vectors>& studies,
                        std::int64_t width);

at::Tensor ramp(std::int64_t width, float start);  // start, start + 1, ... float32

}  // namespace pillar::test
