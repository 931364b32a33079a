#include "core/shared/streamed_file.h"

#include "pillar/core/fail.h"

#include <cerrno>
#include <cstring>

namespace pillar {
namespace {

constexpr std::size_t kBufferBytes = 1 << 18;

}  // namespace

StreamedFile::StreamedFile(const std::filesystem::path& path)
    : path_(path), partial_(path), out_(partial_.path(), std::ios::binary) {}

StreamedFile& StreamedFile::operator<<(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) flush();
  return *this;
}

void StreamedFile::flush() {
  out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.clear();
  if (!out_) fail(ErrorCategory::io, "{}: cannot write it: {}", path_, std::strerror(errno));
}

void StreamedFile::commit() {
  flush();
  out_.close();
  if (!out_) fail(ErrorCategory::io, "{}: cannot write it: {}", path_, std::strerror(errno));
  partial_.commit();
}

}  // namespace pillar
