// Internal: the two forms of a cache behind one interface.
#pragma once

#include "text/cache/study_digest.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

using StoredVectors = std::map<std::string, at::Tensor>;  // by category, as they lie in the file

// Read-only; calls may come from several threads.
class VectorStore {
 public:
  virtual ~VectorStore() = default;
  virtual std::int64_t width() const noexcept = 0;
  virtual const std::vector<StudyDigest>& studies() const noexcept = 0;  // sorted, each once
  virtual const std::string& info() const noexcept = 0;                  // metadata.json without text_to_path
  // Of studies()[place]: what is stored, not yet checked, and the file it is in.
  virtual StoredVectors stored(std::size_t place) const = 0;
  virtual std::filesystem::path file(std::size_t place) const = 0;
  virtual void release_pages() const noexcept {}  // what was read no longer counts as memory
};

std::unique_ptr<VectorStore> open_vector_folder(const std::filesystem::path& folder);
std::unique_ptr<VectorStore> open_packed_vectors(const std::filesystem::path& file);
std::unique_ptr<VectorStore> open_vector_store(const std::filesystem::path& path);  // by what is there

// A copy as (width) float32. Throws Error(input) that begins with `where`: another type or shape, a NaN or
// infinite number.
at::Tensor checked_vector(const at::Tensor& stored, std::int64_t width, const std::string& where);

}  // namespace pillar
