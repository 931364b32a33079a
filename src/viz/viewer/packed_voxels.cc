#include "viz/viewer/packed_voxels.h"

#include "viz/picture/voxels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include <zlib.h>

namespace pillar::viz {
namespace {

using Codes = std::vector<std::uint16_t>;
constexpr std::int64_t kMostLevels = 65536;
constexpr double kExactInDouble = 9007199254740992.0;  // 2^53

template <typename T>
std::vector<T> thin(const T* voxels, const at::Tensor& volume, const std::array<std::int64_t, 3>& size_xyz) {
  auto [columns, rows, slices] = size_xyz;
  std::vector<T> kept;
  kept.reserve(static_cast<std::size_t>(columns * rows * slices));
  for (std::int64_t z = 0; z < slices; ++z) {
    const T* slice = voxels + thinned_index(z, volume.size(0), slices) * volume.size(1) * volume.size(2);
    for (std::int64_t y = 0; y < rows; ++y) {
      const T* row = slice + thinned_index(y, volume.size(1), rows) * volume.size(2);
      for (std::int64_t x = 0; x < columns; ++x)
        kept.push_back(row[thinned_index(x, volume.size(2), columns)]);
    }
  }
  return kept;
}

// Whether a page (whose numbers are doubles) can give each value a code of its own.
template <typename T>
bool fits_levels(const std::vector<T>& values, double low, double high) {
  if (high - low >= kMostLevels || low < -kExactInDouble || high > kExactInDouble) return false;
  if constexpr (std::is_integral_v<T>) return true;
  return std::all_of(values.begin(), values.end(), [](T value) { return value == std::trunc(value); });
}

// Only values that occur get a code: decoded 10-bit video has some 900 of them, and small codes pack well.
template <typename T>
Codes code_by_level(const std::vector<T>& values, std::int64_t low, std::int64_t span, PackedVoxels& packed) {
  std::vector<std::uint16_t> code_of(static_cast<std::size_t>(span) + 1, 0);
  for (T value : values) code_of[static_cast<std::size_t>(static_cast<std::int64_t>(value) - low)] = 1;
  for (std::int64_t i = 0; i <= span; ++i) {
    if (code_of[i] == 0) continue;
    code_of[i] = static_cast<std::uint16_t>(packed.levels.size());
    packed.levels.push_back(low + i);
  }
  Codes codes(values.size());
  std::transform(values.begin(), values.end(), codes.begin(), [&](T value) {
    return code_of[static_cast<std::size_t>(static_cast<std::int64_t>(value) - low)];
  });
  return codes;
}

template <typename T>
Codes code_by_step(const std::vector<T>& values, double low, double high, PackedVoxels& packed) {
  double span = high - low;
  if (!std::isfinite(span)) fail(ErrorCategory::input, "cannot show values from {} to {}", low, high);
  packed.offset = low;
  packed.scale = span > 0 ? std::max(span / (kMostLevels - 1), std::numeric_limits<double>::min()) : 1.0;
  Codes codes(values.size());
  std::transform(values.begin(), values.end(), codes.begin(), [&](T value) {
    double steps = (static_cast<double>(value) - low) / packed.scale + 0.5;
    return static_cast<std::uint16_t>(std::min(steps, kMostLevels - 1.0));
  });
  return codes;
}

template <typename T>
Codes code(const std::vector<T>& values, PackedVoxels& packed) {
  for (T value : values) {
    if (!std::isfinite(static_cast<double>(value))) {
      fail(ErrorCategory::input, "cannot show a volume with a voxel of value {}", static_cast<double>(value));
    }
  }
  auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (!fits_levels(values, static_cast<double>(*low), static_cast<double>(*high))) {
    return code_by_step(values, static_cast<double>(*low), static_cast<double>(*high), packed);
  }
  std::int64_t first = static_cast<std::int64_t>(*low);
  return code_by_level(values, first, static_cast<std::int64_t>(*high) - first, packed);
}

int median(int a, int b, int c) {
  return std::max(std::min(a, b), std::min(std::max(a, b), c));
}

Bytes residual_bytes(const Codes& codes, const std::array<std::int64_t, 3>& size_xyz) {
  std::int64_t columns = size_xyz[0], slice = size_xyz[0] * size_xyz[1];
  std::int64_t count = slice * size_xyz[2];
  Bytes bytes(2 * static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    int along_x = i % columns != 0 ? codes[i - 1] : 0;
    int along_y = i % slice >= columns ? codes[i - columns] : 0;
    int along_z = i >= slice ? codes[i - slice] : 0;
    int residual = static_cast<std::int16_t>(codes[i] - median(along_x, along_y, along_z));
    unsigned zigzag =
        residual >= 0 ? 2u * static_cast<unsigned>(residual) : 2u * static_cast<unsigned>(-residual) - 1;
    bytes[i] = static_cast<std::uint8_t>(zigzag);
    bytes[count + i] = static_cast<std::uint8_t>(zigzag >> 8);
  }
  return bytes;
}

}  // namespace

Bytes deflate_bytes(ByteView bytes) {
  z_stream stream = {};
  // Residuals are noise without repeats, but for runs of zeros: run lengths pack them as small as a search
  // would, and several times faster.
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15, 9, Z_RLE) != Z_OK)
    fail(ErrorCategory::io, "zlib has no memory");
  Bytes packed(deflateBound(&stream, bytes.size()));
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  int status = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) fail(ErrorCategory::io, "zlib could not pack the voxels (status {})", status);
  return packed;
}

PackedVoxels pack_voxels(const at::Tensor& volume, int longest_side) {
  PackedVoxels packed;
  for (int axis = 0; axis < 3; ++axis) {
    packed.size_xyz[axis] = std::min<std::int64_t>(volume.size(2 - axis), longest_side);
  }
  Codes codes = visit_voxels(
      volume, [&](const auto* voxels) { return code(thin(voxels, volume, packed.size_xyz), packed); });
  packed.deflated = deflate_bytes(residual_bytes(codes, packed.size_xyz));
  return packed;
}

}  // namespace pillar::viz
