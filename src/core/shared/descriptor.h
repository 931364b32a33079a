// Internal: an open file descriptor that closes itself.
#pragma once

#include "pillar/core/file.h"

#include <filesystem>

namespace pillar {

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags);  // throws Error(io)
  // Makes the file `partial`, to be written; throws Error(io) that names `target`, the path the user knows.
  static Descriptor create(const std::filesystem::path& partial, const std::filesystem::path& target);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  Descriptor(const std::filesystem::path& path, int flags, const std::filesystem::path& named);
  int fd_;
};

// Writes all of `bytes`; throws Error(io) that names `path`.
void write_all(const Descriptor& file, ByteView bytes, const std::filesystem::path& path);

}  // namespace pillar
