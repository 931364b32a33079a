// Internal: libav's byte streams over memory. No file is opened, nothing is copied to disk.
#pragma once

#include "pillar/core/file.h"

#include "rave/video/av.h"

namespace pillar {

// Reads a view that must outlive it.
class MemoryReader {
 public:
  explicit MemoryReader(ByteView bytes);
  ~MemoryReader();
  MemoryReader(const MemoryReader&) = delete;
  MemoryReader& operator=(const MemoryReader&) = delete;
  AVIOContext* context() noexcept { return context_; }

 private:
  static int read(void* self, std::uint8_t* buffer, int size);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);
  ByteView bytes_;
  std::size_t position_ = 0;
  AVIOContext* context_ = nullptr;
};

// Grows as it is written; a muxer may go back and patch.
class MemoryWriter {
 public:
  MemoryWriter();
  ~MemoryWriter();
  MemoryWriter(const MemoryWriter&) = delete;
  MemoryWriter& operator=(const MemoryWriter&) = delete;
  AVIOContext* context() noexcept { return context_; }
  Bytes take();  // flushes; what was written so far

 private:
  static int write(void* self, std::uint8_t* buffer, int size);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);
  Bytes bytes_;
  std::size_t position_ = 0;
  AVIOContext* context_ = nullptr;
};

}  // namespace pillar
