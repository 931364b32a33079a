// Internal: an open file descriptor that closes itself.
#pragma once

#include "pillar/core/file.h"

#include <filesystem>

namespace pillar {

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags, unsigned mode = 0);  // throws Error(io)
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// Writes all of `bytes`; throws Error(io) that names `path`.
void write_all(const Descriptor& file, ByteView bytes, const std::filesystem::path& path);

}  // namespace pillar
