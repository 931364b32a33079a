// Internal: forward-only bytes of a DICOM file, inflated on the way where its transfer syntax is deflated.
#pragma once

#include "pillar/core/file.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace pillar {

class DicomSource {
 public:
  explicit DicomSource(ByteView bytes);  // a view: the bytes must outlive the source
  ~DicomSource();
  DicomSource(const DicomSource&) = delete;
  DicomSource& operator=(const DicomSource&) = delete;

  // From here on the bytes are a raw deflate stream (PS3.5, A.5). `path` is for messages.
  void inflate_rest(const std::filesystem::path& path);

  std::size_t read(std::uint8_t* target, std::size_t count);  // how many bytes there were
  std::uint64_t skip(std::uint64_t count);
  std::size_t peek(std::uint8_t* target, std::size_t count) const;  // only before inflate_rest()
  std::uint64_t position() const noexcept { return position_; }     // of the (inflated) bytes

 private:
  struct Inflater;
  ByteView bytes_;
  std::size_t next_ = 0;
  std::uint64_t position_ = 0;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace pillar
