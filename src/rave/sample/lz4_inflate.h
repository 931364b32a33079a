// Internal: LZ4 frames, inflated with a bound.
#pragma once

#include "pillar/core/file.h"

#include <cstdint>
#include <string>

namespace pillar {

bool is_lz4_frame(ByteView bytes) noexcept;

// Throws Error(input) on a damaged or cut off frame, and as soon as the declared or the actual size passes
// `max_bytes`.
Bytes inflate_lz4(ByteView frames, std::uint64_t max_bytes, const std::string& name);

}  // namespace pillar
