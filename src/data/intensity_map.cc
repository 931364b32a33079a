#include "data/intensity_map.h"

#include "pillar/rave/hu_map.h"

namespace pillar {
namespace {

constexpr int kLowest = -1024, kHighest = 3071;

std::int16_t hu_after_stream(int hu) {
  const auto index = static_cast<std::size_t>(std::clamp(hu, kLowest, kHighest) - kLowest);
  return y10_to_hu_table()[hu_to_y10_table()[index]];
}

template <typename Table, typename Map>
Table fill(const Map& map) {
  Table table;
  for (std::size_t bits = 0; bits < table.size(); ++bits) table[bits] = map(static_cast<std::uint16_t>(bits));
  return table;
}

}  // namespace

const HuTable& rave10_of_int16() {
  static const HuTable table =
      fill<HuTable>([](std::uint16_t bits) { return hu_after_stream(static_cast<std::int16_t>(bits)); });
  return table;
}

const HuTable& rave10_of_uint16() {
  static const HuTable table = fill<HuTable>([](std::uint16_t hu) { return hu_after_stream(hu); });
  return table;
}

std::int16_t rave10_of_real(float hu) noexcept {
  const double clipped = std::clamp(static_cast<double>(hu), double{kLowest}, double{kHighest});
  const auto gray16 = static_cast<std::uint16_t>((clipped - kLowest) * 65535 / 4095);
  return y10_to_hu_table()[gray16_to_y10(gray16)];
}

const GreyTable& rave10_of_grey() {
  static const GreyTable table =
      fill<GreyTable>([](std::uint16_t grey) { return y10_to_gray16_table()[gray16_to_y10(grey)]; });
  return table;
}

}  // namespace pillar
