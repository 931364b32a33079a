// The voxels of an NRRD or MetaImage file: one run of bytes, raw or deflated, in the header's file or
// another.
#pragma once

#include "pillar/core/notes.h"

#include <cstdint>
#include <filesystem>
#include <span>

namespace pillar {

struct VoxelBlock {
  std::filesystem::path file;
  std::uint64_t offset = 0;  // of the block in the file
  std::uint64_t bytes = 0;   // stored, to the block's end
  bool deflated = false;     // a zlib or gzip stream
  bool swapped = false;      // not this machine's byte order

  std::uint64_t max_content_bytes() const noexcept;  // that so many stored bytes can be
};

// Fills `out` with the content from `skip` on. ITK's own MetaImage reader takes a stream that ends early for
// whole, so this is read here. Throws Error(input) naming `path` where the block is too short or damaged;
// `content_bytes` is what the header says there is, and more than that is a warning.
void read_block(const VoxelBlock& block, std::uint64_t content_bytes, std::uint64_t skip,
                std::span<std::byte> out, const std::filesystem::path& path, Notes& notes);

}  // namespace pillar
