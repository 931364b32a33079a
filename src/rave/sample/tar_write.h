// Internal: tar archives of a few members, the same bytes every time.
#pragma once

#include "rave/sample/archive_sink.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pillar {

// A member's content in one or more pieces, so that a header need not be copied together with its data.
struct OutputMember {
  std::string name;
  std::vector<ByteView> pieces;
  std::uint64_t size() const noexcept;
};

std::uint64_t tar_size(const std::vector<OutputMember>& members) noexcept;

// Members in the given order, owner 0, mode 0644, time 0. Throws what the sink throws.
void write_tar(ArchiveSink& sink, const std::vector<OutputMember>& members);

}  // namespace pillar
