// A cache of report embeddings from the public folder to one mapped file, and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct TextPackOptions {
  at::ScalarType dtype = at::kFloat;  // or kBFloat16
  bool quiet = false;                 // no progress bar
};

struct TextPackSummary {
  std::int64_t studies = 0;
  std::int64_t width = 0;
  std::vector<std::string> categories;
};

// One vector at a time, whatever the cache's size; `cache` is a folder or a packed file. `file` is replaced,
// all at once. Throws Error(io | input) at the first study whose vector is broken: a packed file is whole.
TextPackSummary pack_text_cache(const std::filesystem::path& cache, const std::filesystem::path& file,
                                const TextPackOptions& options = {});

// The public folder, float32 whatever the file has, with the metadata.json that was packed. Throws
// Error(usage) if there is something at `folder` already.
TextPackSummary unpack_text_cache(const std::filesystem::path& file, const std::filesystem::path& folder,
                                  bool quiet = false);

}  // namespace pillar
