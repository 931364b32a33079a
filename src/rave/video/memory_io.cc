#include "rave/video/memory_io.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

namespace pillar {
namespace {

constexpr int kBufferBytes = 1 << 16;

AVIOContext* make_context(void* self, int writable, int (*read)(void*, std::uint8_t*, int),
                          int (*write)(void*, std::uint8_t*, int),
                          std::int64_t (*seek)(void*, std::int64_t, int)) {
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
  if (buffer == nullptr) throw std::bad_alloc();
  AVIOContext* context = avio_alloc_context(buffer, kBufferBytes, writable, self, read, write, seek);
  if (context == nullptr) {
    av_free(buffer);
    throw std::bad_alloc();
  }
  return context;
}

void free_context(AVIOContext* context) {
  av_freep(&context->buffer);  // libav may have replaced the one it was given
  avio_context_free(&context);
}

// New position, or AVERROR(EINVAL) if it lies outside [0, limit].
std::int64_t move_to(std::size_t& position, std::size_t size, std::int64_t limit, std::int64_t offset,
                     int whence) {
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return static_cast<std::int64_t>(size);
  std::int64_t base = whence == SEEK_SET   ? 0
                      : whence == SEEK_CUR ? static_cast<std::int64_t>(position)
                                           : static_cast<std::int64_t>(size);
  std::int64_t target = 0;
  if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > limit) return AVERROR(EINVAL);
  position = static_cast<std::size_t>(target);
  return target;
}

}  // namespace

MemoryReader::MemoryReader(ByteView bytes)
    : bytes_(bytes), context_(make_context(this, 0, read, nullptr, seek)) {}

MemoryReader::~MemoryReader() {
  free_context(context_);
}

int MemoryReader::read(void* self, std::uint8_t* buffer, int size) {
  auto& reader = *static_cast<MemoryReader*>(self);
  std::size_t count = std::min(static_cast<std::size_t>(size), reader.bytes_.size() - reader.position_);
  if (count == 0) return AVERROR_EOF;
  std::memcpy(buffer, reader.bytes_.data() + reader.position_, count);
  reader.position_ += count;
  return static_cast<int>(count);
}

std::int64_t MemoryReader::seek(void* self, std::int64_t offset, int whence) {
  auto& reader = *static_cast<MemoryReader*>(self);
  auto size = static_cast<std::int64_t>(reader.bytes_.size());
  return move_to(reader.position_, reader.bytes_.size(), size, offset, whence);
}

MemoryWriter::MemoryWriter() : context_(make_context(this, 1, nullptr, write, seek)) {}

MemoryWriter::~MemoryWriter() {
  free_context(context_);
}

Bytes MemoryWriter::take() {
  avio_flush(context_);
  return std::move(bytes_);
}

int MemoryWriter::write(void* self, std::uint8_t* buffer, int size) {
  auto& writer = *static_cast<MemoryWriter*>(self);
  std::size_t end = writer.position_ + static_cast<std::size_t>(size);
  try {
    if (end > writer.bytes_.size()) writer.bytes_.resize(end);
  } catch (const std::bad_alloc&) {
    return AVERROR(ENOMEM);  // an exception must not pass through libav's C frames
  }
  std::memcpy(writer.bytes_.data() + writer.position_, buffer, static_cast<std::size_t>(size));
  writer.position_ = end;
  return size;
}

std::int64_t MemoryWriter::seek(void* self, std::int64_t offset, int whence) {
  auto& writer = *static_cast<MemoryWriter*>(self);
  return move_to(writer.position_, writer.bytes_.size(), INT64_MAX, offset, whence);
}

}  // namespace pillar
