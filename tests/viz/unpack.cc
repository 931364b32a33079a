#include "viz/unpack.h"

#include <stdexcept>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <png.h>
#include <zlib.h>

namespace pillar::test {
namespace {

Bytes decode_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Bytes bytes;
  unsigned bits = 0;
  int count = 0;
  for (char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<unsigned>(digits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> count));
  }
  return bytes;
}

}  // namespace

Image8 decode_png(ByteView bytes) {
  png_image description = {};
  description.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&description, bytes.data(), bytes.size()) == 0) {
    throw std::runtime_error(description.message);
  }
  Image8 image;
  image.channels = (description.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
  description.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  image.height = static_cast<int>(description.height);
  image.width = static_cast<int>(description.width);
  image.pixels.resize(PNG_IMAGE_SIZE(description));
  if (png_image_finish_read(&description, nullptr, image.pixels.data(), 0, nullptr) == 0) {
    throw std::runtime_error(description.message);
  }
  return image;
}

std::vector<double> unpack_values(const viz::PackedVoxels& packed) {
  std::int64_t columns = packed.size_xyz[0], rows = packed.size_xyz[1];
  std::int64_t count = columns * rows * packed.size_xyz[2];
  Bytes bytes(2 * static_cast<std::size_t>(count));
  uLongf size = bytes.size();
  EXPECT_EQ(uncompress(bytes.data(), &size, packed.deflated.data(), packed.deflated.size()), Z_OK);
  EXPECT_EQ(size, bytes.size());
  std::vector<int> codes(static_cast<std::size_t>(count));
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t x = i % columns, y = i / columns % rows, z = i / columns / rows;
    std::array<int, 3> before = {x > 0 ? codes[i - 1] : 0, y > 0 ? codes[i - columns] : 0,
                                 z > 0 ? codes[i - columns * rows] : 0};
    std::sort(before.begin(), before.end());
    int zigzag = bytes[i] + 256 * bytes[count + i];
    int residual = zigzag % 2 == 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    codes[i] = (before[1] + residual + 65536) % 65536;
    values.push_back(packed.levels.empty()
                         ? packed.offset + packed.scale * codes[i]
                         : static_cast<double>(packed.levels.at(static_cast<std::size_t>(codes[i]))));
  }
  return values;
}

std::string between(const std::string& page, const std::string& begin, const std::string& end) {
  std::size_t first = page.find(begin);
  EXPECT_NE(first, std::string::npos) << begin;
  if (first == std::string::npos) return "";
  first += begin.size();
  std::size_t last = page.find(end, first);
  EXPECT_NE(last, std::string::npos) << end;
  return page.substr(first, last - first);
}

viz::PackedVoxels packed_voxels_of(const std::string& page) {
  auto scan =
      nlohmann::json::parse(between(page, R"(<script id="scan" type="application/json">)", "</script>"));
  viz::PackedVoxels packed;
  scan.at("size").get_to(packed.size_xyz);
  scan.at("levels").get_to(packed.levels);
  scan.at("scale").get_to(packed.scale);
  scan.at("offset").get_to(packed.offset);
  packed.deflated = decode_base64(between(page, R"(<script id="voxels" type="text/plain">)", "</script>"));
  return packed;
}

}  // namespace pillar::test
