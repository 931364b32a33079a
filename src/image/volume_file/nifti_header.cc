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
constexpr std::size_t kHeader2Bytes = 540;

// Byte offsets of a header's fields, and how wide its whole and real numbers are.
struct Layout {
  std::size_t bytes, datatype, bitpix, dim, dim_bytes, pixdim, real_bytes, vox_offset, slope, intercept,
      units;
  std::size_t qform_code, sform_code, code_bytes, quatern, qoffset, srow;
};

constexpr Layout kNifti1 = {kHeaderBytes, 70,  72,  40,  2, 76,  4,   108, 112,
                            116,          123, 252, 254, 2, 256, 268, 280};
constexpr Layout kNifti2 = {kHeader2Bytes, 12,  14,  16,  8, 104, 8,   168, 176,
                            184,           500, 344, 348, 4, 352, 376, 400};

// The bytes of a header, and how to read its fields.
class Fields {
 public:
  Fields(const std::array<unsigned char, kHeader2Bytes>& bytes, const Layout& layout, bool swapped)
      : bytes_(bytes), layout_(layout), swapped_(swapped) {}

  const Layout& layout() const noexcept { return layout_; }
  bool is_version_2() const noexcept { return layout_.bytes == kHeader2Bytes; }

  template <typename T>
  T get(std::size_t offset) const {
    std::array<unsigned char, sizeof(T)> raw;
    std::memcpy(raw.data(), bytes_.data() + offset, sizeof(T));
    if (swapped_) std::reverse(raw.begin(), raw.end());
    return std::bit_cast<T>(raw);
  }
  std::int64_t whole(std::size_t offset, std::size_t bytes) const {
    if (bytes == 2) return get<std::int16_t>(offset);
    return bytes == 4 ? get<std::int32_t>(offset) : get<std::int64_t>(offset);
  }
  // Number `index` of those that begin at `offset`.
  double real(std::size_t offset, std::size_t index = 0) const {
    offset += index * layout_.real_bytes;
    return layout_.real_bytes == 4 ? static_cast<double>(get<float>(offset)) : get<double>(offset);
  }

 private:
  const std::array<unsigned char, kHeader2Bytes>& bytes_;
  const Layout& layout_;
  bool swapped_;
};

std::string_view text_at(const std::array<unsigned char, kHeader2Bytes>& bytes, std::size_t offset,
                         std::size_t size) {
  return {reinterpret_cast<const char*>(bytes.data()) + offset, size};
}

void check_magic(const std::array<unsigned char, kHeader2Bytes>& bytes, bool version_2,
                 const std::filesystem::path& path) {
  const std::string_view magic = text_at(bytes, version_2 ? 4 : 344, 4);
  if (magic == (version_2 ? std::string_view("n+2\0", 4) : std::string_view("n+1\0", 4))) return;
  if (magic == (version_2 ? std::string_view("ni2\0", 4) : std::string_view("ni1\0", 4))) {
    fail(ErrorCategory::input, "{}: the header of a .hdr/.img pair, without voxels", path);
  }
  fail(ErrorCategory::input, "{}: no NIfTI magic (Analyze 7.5 has no orientation and is not read)", path);
}

// Reads the header's bytes and finds out which version and byte order they are in.
Fields read_fields(GzipInput& file, std::array<unsigned char, kHeader2Bytes>& bytes, bool& swapped,
                   const std::filesystem::path& path) {
  const std::size_t got = file.read(bytes.data(), kHeaderBytes);
  if (got < kHeaderBytes)
    fail(ErrorCategory::input, "{}: {} bytes; a NIfTI header has {}", path, got, kHeaderBytes);
  for (const Layout* layout : {&kNifti1, &kNifti2}) {
    for (bool other_order : {false, true}) {
      const Fields fields(bytes, *layout, other_order);
      if (fields.get<std::int32_t>(0) != static_cast<std::int32_t>(layout->bytes)) continue;
      swapped = other_order;
      check_magic(bytes, fields.is_version_2(), path);
      const std::size_t rest = layout->bytes - kHeaderBytes;
      if (rest > 0 && file.read(bytes.data() + kHeaderBytes, rest) < rest)
        fail(ErrorCategory::input, "{}: a NIfTI-2 header has {} bytes (truncated?)", path, layout->bytes);
      return fields;
    }
  }
  fail(ErrorCategory::input, "{}: not a NIfTI file", path);
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
  const int code = fields.get<std::int16_t>(fields.layout().datatype);
  const int bits = fields.get<std::int16_t>(fields.layout().bitpix);
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

constexpr std::int64_t kLongestAxis = 1 << 24;  // NIfTI-2 has 64 bits for it

std::array<std::int64_t, 4> sizes(const Fields& fields, const std::filesystem::path& path) {
  const Layout& at = fields.layout();
  const std::int64_t axes = fields.whole(at.dim, at.dim_bytes);
  if (axes == 2) fail(ErrorCategory::input, "{}: 2 axes: one image is no volume", path);
  if (axes < 3 || axes > 7) fail(ErrorCategory::input, "{}: {} axes; 3 or 4 can be read", path, axes);
  std::array<std::int64_t, 4> size = {1, 1, 1, 1};
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(axes); ++axis) {
    const std::int64_t length = fields.whole(at.dim + (axis + 1) * at.dim_bytes, at.dim_bytes);
    if (length < 1 || length > kLongestAxis)
      fail(ErrorCategory::input, "{}: {} voxels along axis {}", path, length, axis + 1);
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
  const Layout& at = fields.layout();
  const double b = fields.real(at.quatern), c = fields.real(at.quatern, 1), d = fields.real(at.quatern, 2);
  const double square = b * b + c * c + d * d;
  if (!(square < 1.01)) notes.add(fmt::format("{}: the qform's quaternion is not of unit length", path));
  const double a = std::sqrt(std::max(0.0, 1 - square));
  const double qfac = fields.real(at.pixdim) < 0 ? -1 : 1;
  const double x = spacing[0], y = spacing[1], z = spacing[2] * qfac;
  return {(a * a + b * b - c * c - d * d) * x,
          2 * (b * c - a * d) * y,
          2 * (b * d + a * c) * z,
          fields.real(at.qoffset),
          2 * (b * c + a * d) * x,
          (a * a + c * c - b * b - d * d) * y,
          2 * (c * d - a * b) * z,
          fields.real(at.qoffset, 1),
          2 * (b * d - a * c) * x,
          2 * (c * d + a * b) * y,
          (a * a + d * d - b * b - c * c) * z,
          fields.real(at.qoffset, 2),
          0,
          0,
          0,
          1};
}

void read_orientation(const Fields& fields, const std::filesystem::path& path, NiftiHeader& header,
                      Notes& notes) {
  const Layout& at = fields.layout();
  header.qform_code = static_cast<int>(fields.whole(at.qform_code, at.code_bytes));
  header.sform_code = static_cast<int>(fields.whole(at.sform_code, at.code_bytes));
  // ITK's reader takes what is not finite for 0.
  const auto check_finite = [&](const char* name, std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const double value = fields.real(first, i);
      if (!std::isfinite(value)) fail(ErrorCategory::input, "{}: a value of {} in the {}", path, value, name);
    }
  };
  if (header.qform_code > 0) check_finite("qform", at.quatern, 6);
  if (header.sform_code > 0) check_finite("sform", at.srow, 12);
  if (header.qform_code > 0) header.qform = qform_matrix(fields, header.spacing_xyz, path, notes);
  if (header.sform_code <= 0) return;
  for (std::size_t i = 0; i < 12; ++i) header.sform[i] = fields.real(at.srow, i);
  header.sform[15] = 1;
}

void read_scaling(const Fields& fields, const std::filesystem::path& path, NiftiHeader& header,
                  Notes& notes) {
  const double slope = fields.real(fields.layout().slope);
  const double intercept = fields.real(fields.layout().intercept);
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
  double voxels = 1;
  for (std::int64_t length : header.size_xyzt) voxels *= static_cast<double>(length);
  if (voxels >= 0x1p59) {
    fail(ErrorCategory::input, "{}: {:g} voxels are more than any file can hold", path, voxels);
  }
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
  std::array<unsigned char, kHeader2Bytes> bytes = {};
  NiftiHeader header;
  const Fields fields = read_fields(file, bytes, header.swapped, path);
  const Layout& at = fields.layout();
  header.version = fields.is_version_2() ? 2 : 1;
  header.size_xyzt = sizes(fields, path);
  header.type = stored_type(fields, path);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    header.spacing_xyz[axis] = fields.real(at.pixdim, axis + 1);
    if (!std::isfinite(header.spacing_xyz[axis]) || header.spacing_xyz[axis] <= 0) {
      fail(ErrorCategory::input, "{}: a voxel spacing of {} along axis {}", path, header.spacing_xyz[axis],
           axis + 1);
    }
  }
  const double offset = header.version == 2 ? static_cast<double>(fields.get<std::int64_t>(at.vox_offset))
                                            : fields.real(at.vox_offset);
  const auto earliest = static_cast<double>(at.bytes + 4);  // four bytes say whether extensions follow
  if (!(offset >= earliest && offset < 0x1p40 && offset == std::floor(offset))) {
    fail(ErrorCategory::input, "{}: voxels at byte {}; a NIfTI file has them at {} or later", path, offset,
         earliest);
  }
  header.voxel_offset = static_cast<std::int64_t>(offset);
  const int units = header.version == 2 ? fields.get<std::int32_t>(at.units) : bytes[at.units];
  header.unit_mm = unit_in_mm(units, path, notes);
  read_orientation(fields, path, header, notes);
  read_scaling(fields, path, header, notes);
  check_extent(header, file, path, notes);
  return header;
}

}  // namespace pillar
