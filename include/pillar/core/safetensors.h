// safetensors files: 8-byte little-endian header length, JSON header, tensor bytes (format of Hugging Face
// safetensors).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

class MappedFile;

struct SafetensorsEntry {
  at::ScalarType dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // byte offsets from the end of the header
  std::uint64_t end = 0;
};

// A memory-mapped file whose header has been checked in full: length under 100 MB, valid JSON without
// duplicate keys, sizes that match the offsets, no overlap, no hole, nothing past the end. Throws Error(io |
// input), and Error(unsupported) for a dtype that LibTorch or this reader does not have.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  const std::map<std::string, SafetensorsEntry>& entries() const noexcept { return entries_; }
  const std::map<std::string, std::string>& metadata() const noexcept { return metadata_; }
  bool contains(const std::string& name) const { return entries_.count(name) != 0; }
  // A view of the mapping (read-only pages: do not write to it), which lives as long as the tensor does; a
  // copy only where the file does not align the data for its type. Throws Error(input) for an unknown name,
  // with the nearest one there is.
  at::Tensor tensor(const std::string& name) const;
  std::shared_ptr<const MappedFile> mapping() const noexcept { return file_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<const MappedFile> file_;
  std::uint64_t data_begin_ = 0;
  std::map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

// Atomic; one tensor at a time is made contiguous and written. Tensors with wide elements come first, else in
// the given order: so each is aligned for its type. Throws Error(usage) for a repeated name,
// Error(unsupported) for a dtype or layout the format does not have.
void write_safetensors(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace pillar
