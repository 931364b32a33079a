// Internal: what the published 10-bit stream makes of a value, as tables over every 16-bit pattern.
#pragma once

#include <array>
#include <cstdint>

namespace pillar {

using HuTable = std::array<std::int16_t, 65536>;
using GreyTable = std::array<std::uint16_t, 65536>;

const HuTable& rave10_of_int16();   // index: the bits of an int16 HU
const HuTable& rave10_of_uint16();  // index: an unsigned HU
std::int16_t rave10_of_real(float hu) noexcept;
const GreyTable& rave10_of_grey();  // index: MR grey

}  // namespace pillar
