// Internal: what the published 10-bit stream makes of a value.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace pillar {

// 8 KB, so that it stays in the first-level cache: a table of every 16-bit pattern would not.
struct HuTable {
  static constexpr int kLowest = -1024, kHighest = 3071;  // what the stream clips to
  std::array<std::int16_t, kHighest - kLowest + 1> values;
  std::int16_t operator()(int hu) const noexcept {
    return values[static_cast<std::size_t>(std::clamp(hu, kLowest, kHighest) - kLowest)];
  }
};
using GreyTable = std::array<std::uint16_t, 65536>;

const HuTable& rave10_of_hu();
std::int16_t rave10_of_real(float hu) noexcept;
const GreyTable& rave10_of_grey();  // index: MR grey

}  // namespace pillar
