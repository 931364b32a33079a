#include "core/descriptor.h"

#include "core/fail.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace pillar {

Descriptor::Descriptor(const std::filesystem::path& path, int flags, unsigned mode)
    : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
  if (fd_ < 0) fail(ErrorCategory::io, "{}: cannot open: {}", path, std::strerror(errno));
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

void write_all(const Descriptor& file, ByteView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(ErrorCategory::io, "{}: cannot write: {}", path, std::strerror(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

}  // namespace pillar
