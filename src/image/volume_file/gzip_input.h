// Bytes of a file that may be gzipped: what it is shows in its first two bytes, not in its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

struct gzFile_s;

namespace pillar {

// No gzip stream inflates further than this (deflate's longest match is 258 bytes in two bits).
constexpr std::uint64_t kMaxGzipRatio = 1032;

class GzipInput {
 public:
  explicit GzipInput(const std::filesystem::path& path);  // throws Error(io)
  ~GzipInput();
  GzipInput(const GzipInput&) = delete;
  GzipInput& operator=(const GzipInput&) = delete;

  // Up to `size` bytes, fewer only at the end. Throws Error(input) where the gzip stream is damaged or cut
  // off.
  std::size_t read(void* buffer, std::size_t size);
  void seek(std::uint64_t offset);  // from the start of the content; past the end, read() returns 0

  bool compressed() const noexcept { return compressed_; }
  std::uint64_t file_bytes() const noexcept { return file_bytes_; }
  // The most bytes of content that a file of this size can have.
  std::uint64_t max_content_bytes() const noexcept;

 private:
  [[noreturn]] void fail_damaged() const;

  std::filesystem::path path_;
  gzFile_s* file_ = nullptr;
  bool compressed_ = false;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace pillar
