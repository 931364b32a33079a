#include "core/shared/descriptor.h"

#include "pillar/core/fail.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace pillar {

Descriptor::Descriptor(const std::filesystem::path& path, int flags, const std::filesystem::path& named)
    : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
  if (fd_ < 0) {
    fail(ErrorCategory::io, "{}: cannot {}: {}", named, (flags & O_CREAT) != 0 ? "create" : "open",
         std::strerror(errno));
  }
}

Descriptor::Descriptor(const std::filesystem::path& path, int flags) : Descriptor(path, flags, path) {}

Descriptor Descriptor::create(const std::filesystem::path& partial, const std::filesystem::path& target) {
  return Descriptor(partial, O_WRONLY | O_CREAT | O_EXCL, target);
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
