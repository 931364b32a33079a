// 8-bit images and PNG files (libpng).
#pragma once

#include "pillar/core/file.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace pillar {

struct Image8 {
  int height = 0;
  int width = 0;
  int channels = 1;                  // 1 grey, 3 RGB
  std::vector<std::uint8_t> pixels;  // height x width x channels
};

Bytes encode_png(const Image8& image);
void write_png(const std::filesystem::path& path, const Image8& image);  // atomic

}  // namespace pillar
