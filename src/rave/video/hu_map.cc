#include "pillar/rave/hu_map.h"

namespace pillar {

std::uint16_t gray16_to_y10(std::uint16_t gray16) noexcept {
  return static_cast<std::uint16_t>(((((gray16 >> 1) * 14071 + 33561947) >> 14) + 16) >> 5);
}

const std::array<std::uint16_t, 4096>& hu_to_y10_table() {
  static const auto table = [] {
    std::array<std::uint16_t, 4096> map = {};
    for (std::uint32_t level = 0; level < map.size(); ++level) {
      map[level] = gray16_to_y10(static_cast<std::uint16_t>(level * 65535 / 4095));
    }
    return map;
  }();
  return table;
}

const std::array<std::uint16_t, 1024>& y10_to_gray16_table() {
  static const auto table = [] {
    std::array<std::uint16_t, 1024> map = {};
    for (std::uint32_t y = 0; y < map.size(); ++y) map[y] = static_cast<std::uint16_t>(y << 6 | y >> 4);
    return map;
  }();
  return table;
}

const std::array<std::int16_t, 1024>& y10_to_hu_table() {
  static const auto table = [] {
    std::array<std::int16_t, 1024> map = {};
    for (std::size_t y = 0; y < map.size(); ++y) {
      // Each step rounds to float32, as the public loader's arrays do.
      float unit = static_cast<float>(y10_to_gray16_table()[y]) / 65535.0f;
      float scaled = unit * 4095.0f;
      map[y] = static_cast<std::int16_t>(scaled - 1024.0f);
    }
    return map;
  }();
  return table;
}

}  // namespace pillar
