#include "image/volume_file/gzip_input.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <zlib.h>

namespace pillar {

GzipInput::GzipInput(const std::filesystem::path& path) : path_(path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) fail(ErrorCategory::io, "{}: no such file", path);
  if (!std::filesystem::is_regular_file(path, error)) fail(ErrorCategory::io, "{}: not a regular file", path);
  file_bytes_ = std::filesystem::file_size(path, error);
  if (error) fail(ErrorCategory::io, "{}: {}", path, error.message());
  file_ = ::gzopen(path.c_str(), "rb");
  if (file_ == nullptr) fail(ErrorCategory::io, "{}: cannot open: {}", path, std::strerror(errno));
  ::gzbuffer(file_, 1 << 18);
  compressed_ = ::gzdirect(file_) == 0;
}

GzipInput::~GzipInput() {
  ::gzclose_r(file_);
}

void GzipInput::fail_damaged() const {
  int code = 0;
  const char* reason = ::gzerror(file_, &code);
  if (code == Z_ERRNO) fail(ErrorCategory::io, "{}: {}", path_, std::strerror(errno));
  if (code == Z_BUF_ERROR) fail(ErrorCategory::input, "{}: truncated gzip stream", path_);
  fail(ErrorCategory::input, "{}: damaged gzip stream ({})", path_, reason);
}

std::size_t GzipInput::read(void* buffer, std::size_t size) {
  auto* out = static_cast<char*>(buffer);
  std::size_t done = 0;
  while (done < size) {
    const auto want = static_cast<unsigned>(std::min<std::size_t>(size - done, 1U << 30));
    const int got = ::gzread(file_, out + done, want);
    if (got < 0) fail_damaged();
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  int code = 0;
  ::gzerror(file_, &code);  // a stream cut off in the middle reads short and is only told here
  if (done < size && code == Z_BUF_ERROR) fail_damaged();
  return done;
}

void GzipInput::seek(std::uint64_t offset) {
  if (::gzseek(file_, static_cast<z_off_t>(offset), SEEK_SET) < 0) fail_damaged();
}

std::uint64_t GzipInput::max_content_bytes() const noexcept {
  return compressed_ ? file_bytes_ * kMaxGzipRatio : file_bytes_;
}

}  // namespace pillar
