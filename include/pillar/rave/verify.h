// Finding samples on disk and proving that each can be read in full.
#pragma once

#include "pillar/rave/sample.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

// Samples among and below `paths`, of each path by name, each once however links lead to it. A path that is
// itself a sample, or does not exist, stays as it is. Throws Error(input) naming a folder without any, and
// Error(io) naming one that cannot be listed.
std::vector<std::filesystem::path> find_samples(const std::vector<std::filesystem::path>& paths);

// Whether the path is a sample by its looks: a folder with a metadata.json or a volume of ours, or a file
// whose name ends in .tar or .tar.lz4.
bool looks_like_sample(const std::filesystem::path& path);

// The sample that a file is, or is a part of, by what its folder holds; empty where it is of none.
std::filesystem::path sample_of(const std::filesystem::path& file);

struct VerifyResult {
  std::filesystem::path path;
  std::string fault;  // empty: the sample is whole
  std::string kind;   // "rave10 volume.mp4"
  SizeDhw size_dhw = {0, 0, 0};
  std::uint64_t bytes_on_disk = 0;
};

// Decodes every slice and holds counts, sizes and metadata against each other. Does not throw on a bad
// sample.
VerifyResult verify_sample(const std::filesystem::path& path, int threads = 0);

// What there is to say about a sample as (name, value) rows, as lines of text, and as one JSON object.
std::vector<std::pair<std::string, std::string>> sample_facts(const SampleInfo& info);
std::string describe_sample(const SampleInfo& info);
std::string sample_json(const SampleInfo& info);

}  // namespace pillar
