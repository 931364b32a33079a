#include "core/shared/append_file.h"

#include "pillar/core/fail.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace pillar {

AppendFile::AppendFile(const std::filesystem::path& path)
    : file_(path, O_WRONLY | O_CREAT | O_APPEND), size_(::lseek(file_.get(), 0, SEEK_END)) {
  if (size_ < 0) fail(ErrorCategory::io, "{}: not a regular file: {}", path, std::strerror(errno));
}

int AppendFile::append(std::string_view record) noexcept {
  if (const int reason = drop_half_record(); reason != 0) return reason;
  ssize_t put = 0;
  do {
    put = ::write(file_.get(), record.data(), record.size());
  } while (put < 0 && errno == EINTR);
  if (put == static_cast<ssize_t>(record.size())) {
    size_ += put;
    return 0;
  }
  const int reason = put < 0 ? errno : ENOSPC;  // a disk that fills up takes a part first
  half_ = put > 0;
  drop_half_record();  // if that fails, the next append() tries again
  return reason;
}

int AppendFile::sync() noexcept {
  return ::fdatasync(file_.get()) == 0 ? 0 : errno;
}

int AppendFile::drop_half_record() noexcept {
  if (half_ && ::ftruncate(file_.get(), size_) != 0) return errno;
  half_ = false;
  return 0;
}

}  // namespace pillar
