// Frozen text embeddings of reports, one vector a study: the public folder of .pt files, or our packed file
// (docs/formats.md, "Text embeddings").
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// Read-only; calls may come from several threads.
class TextCache {
 public:
  // A folder with metadata.json (public layout) or a packed .safetensors file (`pillar-text pack`), told
  // by what is there. Vectors are read when asked for. Throws Error(io | input) naming file and fault.
  static TextCache open(const std::filesystem::path& path);
  TextCache(TextCache&&) noexcept;
  TextCache& operator=(TextCache&&) noexcept;
  ~TextCache();

  std::int64_t width() const noexcept;  // numbers in a vector
  std::int64_t count() const noexcept;  // studies
  // Studies are known by the SHA-256 of their id: a cache can say whether it has one, not list them.
  bool contains(const std::string& study_id) const;
  // (width) float32, a copy. Throws Error(input) naming study and file: no such study, no such category (with
  // those there are), another width than width(), a NaN or infinite number; Error(io | input) of the file.
  at::Tensor vector(const std::string& study_id, const std::string& category = "all_findings") const;

 private:
  struct State;
  explicit TextCache(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pillar
