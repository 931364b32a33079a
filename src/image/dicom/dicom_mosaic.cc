#include "image/dicom/dicom_mosaic.h"

#include "image/dicom/dicom_attributes.h"
#include "image/dicom/dicom_geometry.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace pillar {
namespace {

const DcmTagKey csa_image_header(0x0029, 0x1010);
const DcmTagKey images_in_mosaic(0x0019, 0x100a);
constexpr std::int64_t most_tiles = 4096;

// Steps through bytes whose lengths nobody vouches for.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  bool good() const { return good_; }
  std::string_view take(std::size_t count) {
    good_ = good_ && count <= bytes_.size();
    if (!good_) return {};
    const std::string_view part = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return part;
  }
  std::uint32_t u32() {
    const std::string_view part = take(4);
    std::uint32_t value = 0;
    for (std::size_t i = part.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(part[i]);
    return value;
  }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

std::string_view up_to_zero(std::string_view text) {
  return text.substr(0, text.find('\0'));
}

// The values of one entry of a "SV10" header, as Siemens writes them: entries of a name of 64 bytes, five
// numbers, and items of four numbers (the second is the length) and their text, padded to four bytes.
std::vector<std::string> csa_values(std::string_view header, std::string_view name) {
  ByteReader read(header);
  if (read.take(4) != "SV10") return {};
  read.take(4);
  const std::uint32_t entries = read.u32();
  read.take(4);
  for (std::uint32_t i = 0; i < entries && read.good(); ++i) {
    const bool is_wanted = up_to_zero(read.take(64)) == name;
    read.take(12);
    const std::uint32_t items = read.u32();
    read.take(4);
    std::vector<std::string> values;
    for (std::uint32_t k = 0; k < items && read.good(); ++k) {
      read.take(4);
      const std::uint32_t length = read.u32();
      read.take(8);
      const std::string_view text = up_to_zero(read.take(length));
      read.take((4 - length % 4) % 4);
      if (is_wanted && !text.empty()) values.emplace_back(text.substr(0, 64));
    }
    if (is_wanted) return values;
  }
  return {};
}

std::string csa_header(DcmItem& dataset) {
  DcmElement* element = nullptr;
  Uint8* bytes = nullptr;
  if (dataset.findAndGetElement(csa_image_header, element).bad() || element->getUint8Array(bytes).bad() ||
      bytes == nullptr)
    return {};
  return {reinterpret_cast<const char*>(bytes), element->getLength()};
}

double as_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  double value = NAN;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::int64_t tile_count(DcmItem& dataset, const std::string& csa) {
  std::string ignored;
  if (const auto count = AttributeReader(dataset, ignored).u16(images_in_mosaic)) return *count;
  const auto values = csa_values(csa, "NumberOfImagesInMosaic");
  const double count = values.empty() ? 0 : as_number(values.front());
  return count >= 1 && count <= most_tiles ? static_cast<std::int64_t>(count) : 0;
}

// The way from one slice to the next, which may be against the normal that the image's axes make.
Vector3 slice_normal(const std::string& csa, const PlaneAxes& axes) {
  const auto values = csa_values(csa, "SliceNormalVector");
  if (values.size() < 3) return axes.normal;
  const Vector3 said = {as_number(values[0]), as_number(values[1]), as_number(values[2])};
  const double along = dot(said, axes.normal);
  if (!(std::abs(along) > 0.99)) return axes.normal;
  return along > 0 ? axes.normal : Vector3{-axes.normal[0], -axes.normal[1], -axes.normal[2]};
}

std::vector<PlaneHeader> refused(PlaneHeader header, const char* why) {
  if (header.plane.fault.empty()) header.plane.fault = fmt::format("a Siemens mosaic {}", why);
  header.is_lacking = false;
  return {std::move(header)};
}

}  // namespace

bool is_mosaic(const PlaneHeader& whole_picture) {
  const auto values = split_values(whole_picture.image_type);
  return std::find(values.begin(), values.end(), "MOSAIC") != values.end();
}

// The position that the file gives is that of a picture as large as the mosaic about the same middle: the
// tiles' own begins half the difference further in.
std::vector<PlaneHeader> mosaic_planes(DcmItem& dataset, PlaneHeader whole) {
  const std::string csa = csa_header(dataset);
  const std::int64_t count = tile_count(dataset, csa);
  const DicomPlane& picture = whole.plane;
  if (!picture.fault.empty()) return {std::move(whole)};
  if (count == 0) return refused(std::move(whole), "that does not say how many images are in it");
  const int side = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(count))));
  const int rows = picture.rows / side, columns = picture.columns / side;
  if (rows == 0 || columns == 0 || rows * side != picture.rows || columns * side != picture.columns)
    return refused(std::move(whole), "whose matrix is no whole number of tiles");
  if (!picture.position || !picture.has_orientation || !(picture.slice_spacing_mm > 0))
    return refused(std::move(whole), "without position, orientation or distance of slices");

  const PlaneAxes axes = plane_axes(picture.orientation);
  const Vector3 normal = slice_normal(csa, axes);
  const double right_mm = 0.5 * (picture.columns - columns) * picture.pixel_spacing_rc_mm[1];
  const double down_mm = 0.5 * (picture.rows - rows) * picture.pixel_spacing_rc_mm[0];
  std::vector<PlaneHeader> tiles;
  for (int k = 0; k < static_cast<int>(count); ++k) {
    PlaneHeader& tile = tiles.emplace_back(whole);
    DicomPlane& plane = tile.plane;
    plane.rows = rows;
    plane.columns = columns;
    plane.tile_rc = std::array<int, 2>{k / side * rows, k % side * columns};
    plane.instance_number = (picture.instance_number.value_or(1) - 1) * count + k + 1;
    for (std::size_t i = 0; i < 3; ++i) {
      (*plane.position)[i] +=
          right_mm * axes.row[i] + down_mm * axes.column[i] + k * picture.slice_spacing_mm * normal[i];
    }
  }
  return tiles;
}

}  // namespace pillar
