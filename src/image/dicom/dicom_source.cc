#include "image/dicom/dicom_source.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cstring>

#include <zlib.h>

namespace pillar {

struct DicomSource::Inflater {
  z_stream stream = {};
  std::array<std::uint8_t, 65536> chunk;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool finished = false;
  std::filesystem::path path;

  ~Inflater() { inflateEnd(&stream); }

  bool refill(ByteView bytes, std::size_t& next) {
    while (begin == end && !finished) {
      const std::size_t left = std::min<std::size_t>(bytes.size() - next, 1u << 30);
      stream.next_in = const_cast<Bytef*>(bytes.data() + next);
      stream.avail_in = static_cast<uInt>(left);
      stream.next_out = chunk.data();
      stream.avail_out = static_cast<uInt>(chunk.size());
      const int status = inflate(&stream, Z_NO_FLUSH);
      next += left - stream.avail_in;
      begin = 0;
      end = chunk.size() - stream.avail_out;
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        fail(ErrorCategory::input, "{}: the deflated data set is damaged", path);
      }
      finished = status != Z_OK;  // its end, or no more input
    }
    return begin != end;
  }
};

DicomSource::DicomSource(ByteView bytes) : bytes_(bytes) {}
DicomSource::~DicomSource() = default;

void DicomSource::inflate_rest(const std::filesystem::path& path) {
  inflater_ = std::make_unique<Inflater>();
  inflater_->path = path;
  if (inflateInit2(&inflater_->stream, -MAX_WBITS) != Z_OK)
    fail(ErrorCategory::io, "{}: no memory to inflate", path);
}

std::size_t DicomSource::read(std::uint8_t* target, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    const std::uint8_t* from = nullptr;
    std::size_t available = 0;
    if (inflater_) {
      if (!inflater_->refill(bytes_, next_)) break;
      from = inflater_->chunk.data() + inflater_->begin;
      available = inflater_->end - inflater_->begin;
    } else {
      from = bytes_.data() + next_;
      available = bytes_.size() - next_;
      if (available == 0) break;
    }
    const std::size_t step = std::min(available, count - done);
    if (target != nullptr) std::memcpy(target + done, from, step);
    (inflater_ ? inflater_->begin : next_) += step;
    done += step;
  }
  position_ += done;
  return done;
}

std::uint64_t DicomSource::skip(std::uint64_t count) {
  return read(nullptr, count);
}

std::size_t DicomSource::peek(std::uint8_t* target, std::size_t count) const {
  const std::size_t step = std::min(bytes_.size() - next_, count);
  std::memcpy(target, bytes_.data() + next_, step);
  return step;
}

}  // namespace pillar
