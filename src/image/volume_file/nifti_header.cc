#include "image/volume_file/nifti_header.h"

#include "pillar/core/fail.h"

#include "core/shared/path_format.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace pillar {
namespace {

constexpr std::size_t kHeaderBytes = 348;

// Fields by their byte offset in the header.
class Fields {
 public:
  Fields(const std::array<unsigned char, kHeaderBytes>& bytes, bool swapped)
      : bytes_(bytes), swapped_(swapped) {}

  template <typename T>
  T get(std::size_t offset) const {
    std::array<unsigned char, sizeof(T)> raw;
    std::memcpy(raw.data(), bytes_.data() + offset, sizeof(T));
    if (swapped_) std::reverse(raw.begin(), raw.end());
    return std::bit_cast<T>(raw);
  }
  int int16(std::size_t offset) const { return get<std::int16_t>(offset); }
  double float32(std::size_t offset) const { return get<float>(offset); }

 private:
  const std::array<unsigned char, kHeaderBytes>& bytes_;
  bool swapped_;
};

bool byte_order_differs(const std::array<unsigned char, kHeaderBytes>& bytes,
                        const std::filesystem::path& path) {
  for (bool swapped : {false, true}) {
    const auto size = Fields(bytes, swapped).get<std::int32_t>(0);
    if (size == 348) return swapped;
    if (size == 540) fail(ErrorCategory::unsupported, "{}: NIfTI-2; only NIfTI-1 can be read", path);
  }
  fail(ErrorCategory::input, "{}: not a NIfTI file", path);
}

void check_magic(const std::array<unsigned char, kHeaderBytes>& bytes, const std::filesystem::path& path) {
  const std::string_view magic(reinterpret_cast<const char*>(bytes.data()) + 344, 4);
  if (magic == std::string_view("n+1\0", 4)) return;
  if (magic == std::string_view("ni1\0", 4)) {
    fail(ErrorCategory::input, "{}: the header of a .hdr/.img pair, without voxels", path);
  }
  fail(ErrorCategory::input, "{}: no NIfTI magic (Analyze 7.5 has no orientation and is not read)", path);
}

struct StoredType {
  int code;
  int bits;
  at::ScalarType type;
};

constexpr StoredType kStoredTypes[] = {
    {2, 8, at::kByte},     {4, 16, at::kShort},     {8, 32, at::kInt},      {16, 32, at::kFloat},
    {64, 64, at::kDouble}, {256, 8, at::kChar},     {512, 16, at::kUInt16}, {768, 32, at::kUInt32},
    {1024, 64, at::kLong}, {1280, 64, at::kUInt64},
};

at::ScalarType stored_type(const Fields& fields, const std::filesystem::path& path) {
  const int code = fields.int16(70);
  const int bits = fields.int16(72);
  for (const StoredType& known : kStoredTypes) {
    if (known.code != code) continue;
    if (known.bits == bits) return known.type;
    fail(ErrorCategory::input, "{}: datatype {} with {} bits a voxel", path, code, bits);
  }
  const char* name =
      code == 128 || code == 2304 ? "colours" : (code == 32 || code == 1792 ? "complex numbers" : nullptr);
  if (name != nullptr) fail(ErrorCategory::input, "{}: voxels are {}, not scalars", path, name);
  fail(ErrorCategory::input, "{}: unknown datatype {}", path, code);
}

std::array<std::int64_t, 4> sizes(const Fields& fields, const std::filesystem::path& path) {
  const int axes = fields.int16(40);
  if (axes < 3 || axes > 7) fail(ErrorCategory::input, "{}: {} axes; 3 or 4 can be read", path, axes);
  std::array<std::int64_t, 4> size = {1, 1, 1, 1};
  for (int axis = 0; axis < axes; ++axis) {
    const int length = fields.int16(42 + 2 * static_cast<std::size_t>(axis));
    if (length < 1) fail(ErrorCategory::input, "{}: {} voxels along axis {}", path, length, axis + 1);
    if (axis > 3 && length > 1)
      fail(ErrorCategory::input, "{}: {} values along axis {}, not one scalar a voxel", path, length,
           axis + 1);
    if (axis < 4) size[axis] = length;
  }
  return size;
}

double unit_in_mm(int units, const std::filesystem::path& path, Notes& notes) {
  switch (units & 7) {
    case 1:
      return 1000;
    case 2:
      return 1;
    case 3:
      return 0.001;
    case 0:
      notes.add(fmt::format("{}: the header does not say its unit; taken as mm", path));
      return 1;
    default:
      fail(ErrorCategory::input, "{}: unknown unit of length {}", path, units & 7);
  }
}

// From the unit quaternion (a,b,c,d) with a = sqrt(1 - b*b - c*c - d*d), as the format defines it.
std::array<double, 16> qform_matrix(const Fields& fields, const std::array<double, 3>& spacing,
                                    const std::filesystem::path& path, Notes& notes) {
  const double b = fields.float32(256), c = fields.float32(260), d = fields.float32(264);
  const double square = b * b + c * c + d * d;
  if (!(square < 1.01)) notes.add(fmt::format("{}: the qform's quaternion is not of unit length", path));
  const double a = std::sqrt(std::max(0.0, 1 - square));
  const double qfac = fields.float32(76) < 0 ? -1 : 1;
  const double x = spacing[0], y = spacing[1], z = spacing[2] * qfac;
  return {(a * a + b * b - c * c - d * d) * x,
          2 * (b * c - a * d) * y,
          2 * (b * d + a * c) * z,
          fields.float32(268),
          2 * (b * c + a * d) * x,
          (a * a + c * c - b * b - d * d) * y,
          2 * (c * d - a * b) * z,
          fields.float32(272),
          2 * (b * d - a * c) * x,
          2 * (c * d + a * b) * y,
          (a * a + d * d - b * b - c * c) * z,
          fields.float32(276),
          0,
          0,
          0,
          1};
}

void read_orientation(const Fields& fields, const std::filesystem::path& path, NiftiHeader& header,
                      Notes& notes) {
  header.qform_code = fields.int16(252);
  header.sform_code = fields.int16(254);
  // ITK's reader takes what is not finite for 0.
  const auto check_finite = [&](const char* name, std::size_t first, std::size_t last) {
    for (std::size_t offset = first; offset <= last; offset += 4) {
      const double value = fields.float32(offset);
      if (!std::isfinite(value)) fail(ErrorCategory::input, "{}: a value of {} in the {}", path, value, name);
    }
  };
  if (header.qform_code > 0) check_finite("qform", 256, 276);
  if (header.sform_code > 0) check_finite("sform", 280, 324);
  if (header.qform_code > 0) header.qform = qform_matrix(fields, header.spacing_xyz, path, notes);
  if (header.sform_code <= 0) return;
  for (std::size_t i = 0; i < 12; ++i) header.sform[i] = fields.float32(280 + 4 * i);
  header.sform[15] = 1;
}

void read_scaling(const Fields& fields, const std::filesystem::path& path, NiftiHeader& header,
                  Notes& notes) {
  const double slope = fields.float32(112);
  const double intercept = fields.float32(116);
  // Zero says "not scaled" in the format; NaN is what a common Python writer puts for the same.
  if (slope == 0 || !std::isfinite(slope)) {
    if (std::isfinite(intercept) && intercept != 0)
      notes.add(fmt::format("{}: scl_inter {} without scl_slope is ignored", path, intercept));
    return;
  }
  header.slope = slope;
  if (std::isfinite(intercept)) header.intercept = intercept;
}

void check_extent(const NiftiHeader& header, GzipInput& file, const std::filesystem::path& path,
                  Notes& notes) {
  // Four axes of at most 32767 and 8 bytes a voxel stay below 2^63.
  const std::uint64_t claimed =
      static_cast<std::uint64_t>(header.voxel_offset) +
      static_cast<std::uint64_t>(header.volume_bytes()) * static_cast<std::uint64_t>(header.size_xyzt[3]);
  if (claimed > file.max_content_bytes()) {
    fail(ErrorCategory::input,
         "{}: {}x{}x{}x{} voxels need {} bytes, more than this file of {} bytes can hold (truncated?)", path,
         header.size_xyzt[0], header.size_xyzt[1], header.size_xyzt[2], header.size_xyzt[3], claimed,
         file.file_bytes());
  }
  if (!file.compressed() && claimed < file.file_bytes()) {
    notes.add(
        fmt::format("{}: {} bytes after the last voxel are ignored", path, file.file_bytes() - claimed));
  }
}

}  // namespace

bool NiftiHeader::scaled() const noexcept {
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  return std::abs(slope - 1) > epsilon || std::abs(intercept) > epsilon;
}

std::int64_t NiftiHeader::volume_bytes() const noexcept {
  return voxels_per_volume() * static_cast<std::int64_t>(c10::elementSize(type));
}

NiftiHeader read_nifti_header(GzipInput& file, const std::filesystem::path& path, Notes& notes) {
  std::array<unsigned char, kHeaderBytes> bytes;
  const std::size_t got = file.read(bytes.data(), bytes.size());
  if (got < bytes.size())
    fail(ErrorCategory::input, "{}: {} bytes; a NIfTI header has {}", path, got, bytes.size());
  NiftiHeader header;
  header.swapped = byte_order_differs(bytes, path);
  check_magic(bytes, path);
  const Fields fields(bytes, header.swapped);
  header.size_xyzt = sizes(fields, path);
  header.type = stored_type(fields, path);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    header.spacing_xyz[axis] = fields.float32(80 + 4 * axis);
    if (!std::isfinite(header.spacing_xyz[axis]) || header.spacing_xyz[axis] <= 0) {
      fail(ErrorCategory::input, "{}: a voxel spacing of {} along axis {}", path, header.spacing_xyz[axis],
           axis + 1);
    }
  }
  const double offset = fields.float32(108);
  if (!(offset >= 352 && offset < 0x1p40 && offset == std::floor(offset))) {
    fail(ErrorCategory::input, "{}: voxels at byte {}; a NIfTI file has them at 352 or later", path, offset);
  }
  header.voxel_offset = static_cast<std::int64_t>(offset);
  header.unit_mm = unit_in_mm(bytes[123], path, notes);
  read_orientation(fields, path, header, notes);
  read_scaling(fields, path, header, notes);
  check_extent(header, file, path, notes);
  return header;
}

}  // namespace pillar
