#include "image/volume_file/nrrd_header.h"

#include "core/shared/path_format.h"
#include "image/volume_file/nrrd_space.h"
#include "image/volume_file/rigid_frame.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace pillar {
namespace {

struct NrrdType {
  at::ScalarType type;
  std::initializer_list<std::string_view> names;
};

const NrrdType kNrrdTypes[] = {
    {at::kChar, {"signed char", "int8", "int8_t"}},
    {at::kByte, {"uchar", "unsigned char", "uint8", "uint8_t"}},
    {at::kShort, {"short", "short int", "signed short", "signed short int", "int16", "int16_t"}},
    {at::kUInt16, {"ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"}},
    {at::kInt, {"int", "signed int", "int32", "int32_t"}},
    {at::kUInt32, {"uint", "unsigned int", "uint32", "uint32_t"}},
    {at::kLong,
     {"longlong", "long long", "long long int", "signed long long", "signed long long int", "int64",
      "int64_t"}},
    {at::kUInt64, {"ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"}},
    {at::kFloat, {"float"}},
    {at::kDouble, {"double"}},
};

at::ScalarType nrrd_type(const TextHeader& header, const std::filesystem::path& path) {
  const std::string text = header.value("type").value_or("");
  for (const NrrdType& known : kNrrdTypes) {
    if (std::find(known.names.begin(), known.names.end(), text) != known.names.end()) return known.type;
  }
  fail(ErrorCategory::input, "{}: voxels of the type '{}'", path, printable(text, 40));
}

std::vector<double> numbers_of(const TextHeader& header, std::string_view key) {
  std::vector<double> numbers;
  for (const std::string& word : nrrd_words(header.value(key).value_or(""))) {
    double number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    numbers.push_back(error == std::errc() && end == word.data() + word.size() ? number : NAN);
  }
  return numbers;
}

std::array<std::int64_t, 4> nrrd_sizes(const TextHeader& header, const std::filesystem::path& path) {
  const std::vector<double> numbers = numbers_of(header, "sizes");
  const auto axes = static_cast<std::size_t>(header.value("dimension").value_or("") == "4" ? 4 : 3);
  if (numbers.size() != axes)
    fail(ErrorCategory::input, "{}: {} sizes for {} axes", path, numbers.size(), axes);
  std::array<std::int64_t, 4> size = {1, 1, 1, 1};
  for (std::size_t axis = 0; axis < axes; ++axis) {
    if (!(numbers[axis] >= 1 && numbers[axis] < 0x1p40 && numbers[axis] == std::floor(numbers[axis])))
      fail(ErrorCategory::input, "{}: {} voxels along axis {}", path, numbers[axis], axis + 1);
    size[axis] = static_cast<std::int64_t>(numbers[axis]);
  }
  return size;
}

// An axis of colours, vectors or tensors holds no places; the fourth may hold anything that counts volumes.
void check_kinds(const TextHeader& header, const std::filesystem::path& path) {
  const std::vector<std::string> kinds = nrrd_words(header.value("kinds").value_or(""));
  for (std::size_t axis = 0; axis < kinds.size(); ++axis) {
    const std::string& kind = kinds[axis];
    const bool is_place = kind == "domain" || kind == "space" || kind == "none" || kind.starts_with("?");
    if (is_place || (axis == 3 && (kind == "time" || kind == "list"))) continue;
    fail(ErrorCategory::input, "{}: axis {} is of the kind '{}': not one scalar a voxel", path, axis + 1,
         printable(kind, 40));
  }
}

// Millimetres of one unit along each of the first three axes or space components.
std::array<double, 3> nrrd_units(const TextHeader& header, std::string_view key,
                                 const std::filesystem::path& path) {
  std::array<double, 3> scale = {1, 1, 1};
  const std::vector<std::string> units = nrrd_words(header.value(key).value_or(""));
  for (std::size_t i = 0; i < std::min<std::size_t>(3, units.size()); ++i) {
    const auto unit = nrrd_unit_mm(units[i]);
    if (!unit)
      fail(ErrorCategory::input, "{}: {} '{}': not a unit of length", path, key, printable(units[i], 40));
    scale[i] = *unit;
  }
  return scale;
}

// A point or step in the header's space, brought to LPS and millimetres.
std::array<double, 3> to_lps(const std::vector<double>& components, const NrrdSpace& space,
                             const std::array<double, 3>& unit_mm) {
  std::array<double, 3> result = {0, 0, 0};
  for (std::size_t i = 0; i < 3; ++i)
    result[space.axis[i]] = components[i] * space.sign[i] * unit_mm[i] + 0.0;
  return result;
}

std::vector<double> space_vector(std::string_view key, const std::string& word,
                                 const std::filesystem::path& path) {
  const auto vector = nrrd_vector(word);
  if (vector && (vector->size() == 3 || vector->size() == 4)) return *vector;
  fail(ErrorCategory::input, "{}: {} '{}': not a place in space", path, key, printable(word, 80));
}

// Without a space: numbers by axis. The origin is the first voxel's centre; `axis mins` is a cell's edge
// unless the header says that its samples lie on nodes.
Geometry frame_by_axis(const TextHeader& header, const std::filesystem::path& path) {
  Geometry frame;
  const std::array<double, 3> unit_mm = nrrd_units(header, "units", path);
  const std::vector<double> spacings = numbers_of(header, "spacings");
  const std::vector<double> mins = numbers_of(header, "axismins");
  const std::vector<std::string> centers =
      nrrd_words(header.value("centers").value_or(header.value("centerings").value_or("")));
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double spacing = (axis < spacings.size() ? spacings[axis] : 1) * unit_mm[axis];
    frame.spacing_xyz_mm[axis] = spacing;
    const bool on_nodes = axis < centers.size() && centers[axis] == "node";
    if (axis < mins.size() && std::isfinite(mins[axis]))
      frame.origin_xyz_mm[axis] = mins[axis] * unit_mm[axis] + (on_nodes ? 0 : spacing / 2);
  }
  return frame;
}

// May still be sheared, or of no size.
Geometry nrrd_frame(const TextHeader& header, const std::filesystem::path& path) {
  const NrrdSpace space = nrrd_space(header, path);
  const std::array<double, 3> unit_mm = nrrd_units(header, "spaceunits", path);
  Geometry frame;
  if (const auto text = header.value("spacedirections")) {
    const std::vector<std::string> words = nrrd_words(*text);
    if (words.size() < 3) fail(ErrorCategory::input, "{}: {} space directions", path, words.size());
    std::array<double, 9> steps;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const auto step = to_lps(space_vector("space directions", words[axis], path), space, unit_mm);
      for (std::size_t row = 0; row < 3; ++row) steps[3 * row + axis] = step[row];
    }
    frame = frame_of_steps(steps, {0, 0, 0});
  } else {
    frame = frame_by_axis(header, path);
  }
  if (const auto text = header.value("spaceorigin")) {
    const std::vector<std::string> words = nrrd_words(*text);
    if (words.size() != 1) fail(ErrorCategory::input, "{}: {} space origins", path, words.size());
    frame.origin_xyz_mm = to_lps(space_vector("space origin", words[0], path), space, unit_mm);
  }
  return frame;
}

}  // namespace

VolumeHeader parse_nrrd_header(const TextHeader& header, const std::filesystem::path& path, Notes& notes) {
  VolumeHeader result;
  check_kinds(header, path);
  result.type = nrrd_type(header, path);
  result.size_xyzt = nrrd_sizes(header, path);
  const auto [x, y, z, volumes] = result.size_xyzt;
  static_cast<void>(volumes);
  result.geometry = nearest_rigid_frame(nrrd_frame(header, path), {z, y, x}, path, notes);
  return result;
}

}  // namespace pillar
