// The maps of the published 10-bit stream between Hounsfield units, luma codes and 16-bit grey
// (docs/formats.md, rave10).
#pragma once

#include <array>
#include <cstdint>

namespace pillar {

// Index HU + 1024, HU in [-1024, 3071]. u16 = trunc((hu + 1024) * 65535 / 4095), then swscale's limited-range
// luma: y10 = ((((u16 >> 1) * 14071 + 33561947) >> 14) + 16) >> 5.
const std::array<std::uint16_t, 4096>& hu_to_y10_table();
std::uint16_t gray16_to_y10(std::uint16_t gray16) noexcept;

// y10 << 6 | y10 >> 4: what the public loader sees of a luma code (and, for MR, the value itself).
const std::array<std::uint16_t, 1024>& y10_to_gray16_table();
// trunc(float32(gray16) / 65535 * 4095 - 1024).
const std::array<std::int16_t, 1024>& y10_to_hu_table();

}  // namespace pillar
