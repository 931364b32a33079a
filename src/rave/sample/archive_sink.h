// Internal: where the bytes of an archive go: a new file, through LZ4 where asked for.
#pragma once

#include "pillar/core/file.h"

#include <filesystem>
#include <memory>

namespace pillar {

class ArchiveSink {
 public:
  virtual ~ArchiveSink() = default;
  virtual void write(ByteView bytes) = 0;  // throws Error(io)
  virtual void finish() = 0;
};

// `file` must not exist; messages name `target`.
std::unique_ptr<ArchiveSink> open_file_sink(const std::filesystem::path& file,
                                            const std::filesystem::path& target);

// One LZ4 frame with its content size and a checksum.
std::unique_ptr<ArchiveSink> open_lz4_sink(std::unique_ptr<ArchiveSink> next, std::uint64_t content_bytes);

}  // namespace pillar
