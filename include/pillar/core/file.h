// Whole-file reading, memory mapping, and writing that never leaves half a file behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Throws Error(io) naming the file; Error(input) if it is larger than `max_bytes`.
Bytes read_file(const std::filesystem::path& path, std::uint64_t max_bytes = UINT64_MAX);
std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes = UINT64_MAX);

// Writes beside the target under a hidden temporary name, fsyncs, renames. On any failure (full disk
// included) the target is as it was, the temporary file is gone, and Error(io) says why.
void write_file_atomic(const std::filesystem::path& path, ByteView bytes);
void write_file_atomic(const std::filesystem::path& path, std::string_view text);

// A read-only mapping of a whole file; an empty file maps to an empty view.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);  // throws Error(io)
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ByteView bytes() const noexcept { return {data_, size_}; }
  // What has been read so far no longer counts as this process's memory; it is read again when looked at.
  void release_pages() const noexcept;

 private:
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// A new file or folder that appears at `target` all at once, by commit(). Until then it lives beside the
// target as
// `.partial-<host>-<pid>-<n>-<name>`; the destructor removes it. Where the target exists, commit() replaces
// it.
class PartialPath {
 public:
  explicit PartialPath(std::filesystem::path target);
  ~PartialPath();
  PartialPath(const PartialPath&) = delete;
  PartialPath& operator=(const PartialPath&) = delete;
  const std::filesystem::path& path() const noexcept { return partial_; }  // write here (a file or a folder)
  void commit();  // fsyncs everything below path() and renames; throws Error(io)

 private:
  std::filesystem::path target_;
  std::filesystem::path partial_;
  bool committed_ = false;
};

// Removes partial paths in `folder` whose process is gone (killed by kill -9, say). Those of other hosts are
// left alone. Returns how many it removed.
int remove_stale_partials(const std::filesystem::path& folder);

}  // namespace pillar
