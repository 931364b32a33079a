#include "image/volume_file/voxel_block.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include "core/shared/path_format.h"
#include "image/volume_file/gzip_input.h"

#include <algorithm>
#include <cstring>

#include <zlib.h>

namespace pillar {
namespace {

constexpr std::size_t kStep = 1U << 30;  // zlib counts in 32 bits

// A zlib or gzip stream over bytes in memory.
class Inflater {
 public:
  Inflater(ByteView stored, const std::filesystem::path& path) : stored_(stored), path_(path) {
    if (::inflateInit2(&stream_, 15 + 32) != Z_OK) fail(ErrorCategory::io, "{}: zlib cannot start", path);
  }
  ~Inflater() { ::inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Bytes written, fewer than asked for only at the stream's end.
  std::size_t read(std::byte* out, std::size_t size) {
    std::size_t done = 0;
    while (done < size && !ended_) {
      refill();
      const auto room = static_cast<uInt>(std::min(size - done, kStep));
      stream_.next_out = reinterpret_cast<Bytef*>(out + done);
      stream_.avail_out = room;
      const int status = ::inflate(&stream_, Z_NO_FLUSH);
      done += room - stream_.avail_out;
      if (status == Z_STREAM_END)
        ended_ = true;
      else if (status == Z_BUF_ERROR)
        fail(ErrorCategory::input, "{}: truncated: its compressed voxels have no end", path_);
      else if (status != Z_OK)
        fail(ErrorCategory::input, "{}: damaged compressed voxels ({})", path_,
             stream_.msg != nullptr ? stream_.msg : "zlib");
    }
    return done;
  }

  void skip(std::uint64_t size) {
    std::vector<std::byte> scratch(static_cast<std::size_t>(std::min<std::uint64_t>(size, 1 << 20)));
    while (size > 0) {
      const std::size_t got =
          read(scratch.data(), static_cast<std::size_t>(std::min<std::uint64_t>(size, scratch.size())));
      if (got == 0) return;
      size -= got;
    }
  }

 private:
  void refill() {
    if (stream_.avail_in > 0) return;
    const std::size_t take = std::min(stored_.size() - taken_, kStep);
    stream_.next_in = const_cast<Bytef*>(stored_.data() + taken_);
    stream_.avail_in = static_cast<uInt>(take);
    taken_ += take;
  }

  ByteView stored_;
  const std::filesystem::path& path_;
  z_stream stream_ = {};
  std::size_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace

std::uint64_t VoxelBlock::max_content_bytes() const noexcept {
  return deflated ? bytes * kMaxGzipRatio : bytes;
}

void read_block(const VoxelBlock& block, std::uint64_t content_bytes, std::uint64_t skip,
                std::span<std::byte> out, const std::filesystem::path& path, Notes& notes) {
  const MappedFile file(block.file);
  if (block.offset + block.bytes > file.bytes().size()) fail(ErrorCategory::input, "{}: truncated", path);
  const ByteView stored = file.bytes().subspan(block.offset, block.bytes);
  std::size_t got = 0;
  bool more = false;
  if (block.deflated) {
    Inflater inflater(stored, path);
    inflater.skip(skip);
    got = inflater.read(out.data(), out.size());
    // Reading on to the end of the stream also checks its checksum.
    std::byte next{};
    if (skip + out.size() == content_bytes) more = inflater.read(&next, 1) == 1;
  } else {
    got = skip < stored.size() ? std::min<std::size_t>(out.size(), stored.size() - skip) : 0;
    if (got > 0) std::memcpy(out.data(), stored.data() + skip, got);
    more = stored.size() > content_bytes;
  }
  if (got < out.size())
    fail(ErrorCategory::input, "{}: truncated: {} of {} bytes of voxels", path, got, out.size());
  if (more) notes.add(fmt::format("{}: there are bytes after the last voxel; they are ignored", path));
}

}  // namespace pillar
