#include "pillar/viz/png.h"

#include "pillar/core/fail.h"

#include <png.h>

namespace pillar {

Bytes encode_png(const Image8& image) {
  if (image.height <= 0 || image.width <= 0 || (image.channels != 1 && image.channels != 3)) {
    fail(ErrorCategory::usage, "cannot make a PNG of {}x{} pixels with {} channels", image.width,
         image.height, image.channels);
  }
  std::size_t expected = static_cast<std::size_t>(image.height) * image.width * image.channels;
  if (image.pixels.size() != expected) {
    fail(ErrorCategory::usage, "an image of {}x{} pixels with {} channels has {} bytes, not {}", image.width,
         image.height, image.channels, expected, image.pixels.size());
  }
  png_image description = {};
  description.version = PNG_IMAGE_VERSION;
  description.width = static_cast<png_uint_32>(image.width);
  description.height = static_cast<png_uint_32>(image.height);
  description.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  Bytes bytes(PNG_IMAGE_PNG_SIZE_MAX(description));
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&description, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) == 0) {
    fail(ErrorCategory::unsupported, "libpng refused an image: {}", description.message);
  }
  bytes.resize(size);
  return bytes;
}

void write_png(const std::filesystem::path& path, const Image8& image) {
  write_file_atomic(path, encode_png(image));
}

}  // namespace pillar
