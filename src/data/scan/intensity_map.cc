#include "data/scan/intensity_map.h"

#include "pillar/rave/hu_map.h"

namespace pillar {
namespace {

HuTable hu_table() {
  HuTable table;
  for (std::size_t i = 0; i < table.values.size(); ++i)
    table.values[i] = y10_to_hu_table()[hu_to_y10_table()[i]];
  return table;
}

GreyTable grey_table() {
  GreyTable table;
  for (std::size_t grey = 0; grey < table.size(); ++grey)
    table[grey] = y10_to_gray16_table()[gray16_to_y10(static_cast<std::uint16_t>(grey))];
  return table;
}

}  // namespace

const HuTable& rave10_of_hu() {
  static const HuTable table = hu_table();
  return table;
}

std::int16_t rave10_of_real(float hu) noexcept {
  constexpr double kLowest = HuTable::kLowest, kHighest = HuTable::kHighest;
  const double clipped = std::clamp(static_cast<double>(hu), kLowest, kHighest);
  const auto gray16 = static_cast<std::uint16_t>((clipped - kLowest) * 65535 / 4095);
  return y10_to_hu_table()[gray16_to_y10(gray16)];
}

const GreyTable& rave10_of_grey() {
  static const GreyTable table = grey_table();
  return table;
}

}  // namespace pillar
