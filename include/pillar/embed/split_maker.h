// What made the embeddings of a split: weights, tower, preprocessing, type, length.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace pillar {

// By name, what the numbers depend on: "weights" (SHA-256), "modality", "preprocess", "dtype", "normalize"
// and so on.
using SplitMaker = std::map<std::string, std::string>;

// As embed recorded it in <cache>/embeddings/<split>.json, without what changes no number (the file format,
// the name a model goes by). Unset where there is no record: embeddings of other programs. Throws Error(io |
// input) as read_settings() does.
std::optional<SplitMaker> maker_of_split(const std::filesystem::path& cache, const std::string& split);

}  // namespace pillar
