#include "image/volume_file/meta_header.h"

#include "core/shared/path_format.h"
#include "image/volume_file/rigid_frame.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

namespace pillar {
namespace {

struct MetaType {
  std::string_view name;
  at::ScalarType type;
};

constexpr MetaType kMetaTypes[] = {
    {"MET_CHAR", at::kChar},      {"MET_ASCII_CHAR", at::kChar},   {"MET_UCHAR", at::kByte},
    {"MET_SHORT", at::kShort},    {"MET_USHORT", at::kUInt16},     {"MET_INT", at::kInt},
    {"MET_UINT", at::kUInt32},    {"MET_LONG", at::kInt},          {"MET_ULONG", at::kUInt32},
    {"MET_LONG_LONG", at::kLong}, {"MET_ULONG_LONG", at::kUInt64}, {"MET_FLOAT", at::kFloat},
    {"MET_DOUBLE", at::kDouble},
};

at::ScalarType meta_type(const TextHeader& header, const std::filesystem::path& path) {
  const std::string channels = header.value("elementnumberofchannels").value_or("1");
  if (channels != "1")
    fail(ErrorCategory::input, "{}: {} values a voxel, not one scalar", path, printable(channels, 20));
  const std::string text = header.value("elementtype").value_or("");
  for (const MetaType& known : kMetaTypes) {
    if (text == known.name) return known.type;
  }
  fail(ErrorCategory::input, "{}: voxels of the type '{}'", path, printable(text, 40));
}

// The numbers of the first of these keys that the header has; nothing where it has none.
std::optional<std::vector<double>> meta_numbers(const TextHeader& header,
                                                std::initializer_list<std::string_view> keys,
                                                std::size_t count, const std::filesystem::path& path) {
  for (const std::string_view key : keys) {
    const auto text = header.value(key);
    if (!text) continue;
    std::vector<double> numbers;
    std::istringstream words(*text);
    for (std::string word; words >> word;) {
      double number = 0;
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
      const bool is_number = error == std::errc() && end == word.data() + word.size();
      numbers.push_back(is_number ? number : NAN);
    }
    const bool sound = std::all_of(numbers.begin(), numbers.end(), [](double n) { return std::isfinite(n); });
    if (sound && numbers.size() == count) return numbers;
    fail(ErrorCategory::input, "{}: {} '{}' is not {} finite numbers", path, key, printable(*text, 80),
         count);
  }
  return std::nullopt;
}

std::array<std::int64_t, 4> meta_sizes(const TextHeader& header, std::size_t axes,
                                       const std::filesystem::path& path) {
  const auto numbers = meta_numbers(header, {"dimsize"}, axes, path);
  if (!numbers) fail(ErrorCategory::input, "{}: the header has no DimSize", path);
  std::array<std::int64_t, 4> size = {1, 1, 1, 1};
  for (std::size_t axis = 0; axis < axes; ++axis) {
    const double length = (*numbers)[axis];
    if (!(length >= 1 && length < 0x1p40 && length == std::floor(length)))
      fail(ErrorCategory::input, "{}: {} voxels along axis {}", path, length, axis + 1);
    size[axis] = static_cast<std::int64_t>(length);
  }
  return size;
}

// May still be sheared, or of no size.
Geometry meta_frame(const TextHeader& header, std::size_t axes, const std::filesystem::path& path) {
  Geometry frame;
  if (const auto spacing = meta_numbers(header, {"elementspacing", "elementsize"}, axes, path))
    std::copy_n(spacing->begin(), 3, frame.spacing_xyz_mm.begin());
  if (const auto origin = meta_numbers(header, {"origin", "offset", "position"}, axes, path))
    std::copy_n(origin->begin(), 3, frame.origin_xyz_mm.begin());
  if (const auto matrix =
          meta_numbers(header, {"transformmatrix", "rotation", "orientation"}, axes * axes, path)) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::size_t row = 0; row < 3; ++row)
        frame.direction[3 * row + axis] = (*matrix)[axes * axis + row] + 0.0;
    }
  }
  return frame;
}

}  // namespace

VolumeHeader parse_meta_header(const TextHeader& header, const std::filesystem::path& path, Notes& notes) {
  const std::size_t axes = header.value("ndims").value_or("") == "4" ? 4 : 3;
  VolumeHeader result;
  result.type = meta_type(header, path);
  result.size_xyzt = meta_sizes(header, axes, path);
  const auto [x, y, z, volumes] = result.size_xyzt;
  static_cast<void>(volumes);
  result.geometry = nearest_rigid_frame(meta_frame(header, axes, path), {z, y, x}, path, notes);
  return result;
}

}  // namespace pillar
