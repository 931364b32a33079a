// NRRD and MetaImage: what a MetaImage header means is ITK's word; NRRD's, and all voxels, are read here.
#include "pillar/core/fail.h"

#include "image/volume_file/nrrd_header.h"
#include "image/volume_file/stored_voxels.h"
#include "image/volume_file/text_header.h"
#include "image/volume_file/volume_file_parts.h"

namespace pillar {
namespace {

using Component = itk::IOComponentEnum;

at::ScalarType component_type(const itk::ImageIOBase& io, const std::filesystem::path& path) {
  if (io.GetNumberOfComponents() != 1 || io.GetPixelType() != itk::IOPixelEnum::SCALAR) {
    fail(ErrorCategory::input, "{}: {} values a voxel, not one scalar", path, io.GetNumberOfComponents());
  }
  switch (io.GetComponentType()) {
    case Component::UCHAR:
      return at::kByte;
    case Component::CHAR:
      return at::kChar;
    case Component::SHORT:
      return at::kShort;
    case Component::USHORT:
      return at::kUInt16;
    case Component::INT:
      return at::kInt;
    case Component::UINT:
      return at::kUInt32;
    case Component::LONG:
    case Component::LONGLONG:
      return at::kLong;
    case Component::ULONG:
    case Component::ULONGLONG:
      return at::kUInt64;
    case Component::FLOAT:
      return at::kFloat;
    case Component::DOUBLE:
      return at::kDouble;
    default:
      fail(ErrorCategory::input, "{}: voxels of a type that is not numeric", path);
  }
}

// x, y, z and volumes.
std::array<std::int64_t, 4> sizes(const itk::ImageIOBase& io, const std::filesystem::path& path) {
  const unsigned axes = io.GetNumberOfDimensions();
  if (axes < 3 || axes > 4) fail(ErrorCategory::input, "{}: {} axes; 3 or 4 can be read", path, axes);
  std::array<std::int64_t, 4> size = {1, 1, 1, 1};
  for (unsigned axis = 0; axis < axes; ++axis) {
    size[axis] = static_cast<std::int64_t>(io.GetDimensions(axis));
    if (size[axis] < 1) fail(ErrorCategory::input, "{}: {} voxels along axis {}", path, size[axis], axis + 1);
  }
  return size;
}

std::uint64_t content_bytes(const std::array<std::int64_t, 4>& size, at::ScalarType type,
                            const VoxelBlock& block, const std::filesystem::path& path) {
  std::uint64_t bytes = c10::elementSize(type);
  bool overflow = false;
  for (std::int64_t length : size)
    overflow |= __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(length), &bytes);
  if (overflow || bytes > block.max_content_bytes()) {
    fail(ErrorCategory::input, "{}: {}x{}x{}x{} voxels are more than the file can hold (truncated?)", path,
         size[0], size[1], size[2], size[3]);
  }
  return bytes;
}

VolumeHeader described_by_itk(const std::filesystem::path& path, Notes& notes) {
  const auto io = make_itk_io(VolumeFormat::meta, path);
  call_itk(path, ErrorCategory::input, [&] { io->ReadImageInformation(); });
  VolumeHeader result;
  result.type = component_type(*io, path);
  result.size_xyzt = sizes(*io, path);
  const auto [x, y, z, volumes] = result.size_xyzt;
  static_cast<void>(volumes);
  result.geometry = itk_geometry(*io, {z, y, x}, path, notes);
  return result;
}

VolumeHeader described(VolumeFormat format, const TextHeader& header, const std::filesystem::path& path,
                       Notes& notes) {
  return format == VolumeFormat::nrrd ? parse_nrrd_header(header, path, notes)
                                      : described_by_itk(path, notes);
}

}  // namespace

Grid read_nrrd_or_meta_grid(VolumeFormat format, const std::filesystem::path& path) {
  const TextHeader header = read_text_header(format, path);
  const VoxelBlock block = voxel_block(format, header, path);
  Notes nobody_asks;
  const VolumeHeader file = described(format, header, path, nobody_asks);
  content_bytes(file.size_xyzt, file.type, block, path);
  return {file.geometry, {file.size_xyzt[2], file.size_xyzt[1], file.size_xyzt[0]}};
}

Volume read_nrrd_or_meta(VolumeFormat format, const std::filesystem::path& path,
                         const VolumeFileOptions& options, Notes& notes) {
  const TextHeader header = read_text_header(format, path);
  const VoxelBlock block = voxel_block(format, header, path);
  const VolumeHeader file = described(format, header, path, notes);
  const auto& size = file.size_xyzt;
  const std::uint64_t bytes = content_bytes(size, file.type, block, path);
  Volume result;
  result.oriented = warn_of_absent_geometry(format, header, path, notes);
  result.geometry = file.geometry;
  const std::int64_t volume = choose_volume(size[3], options, path, notes);
  result.voxels_dhw = new_voxels({size[2], size[1], size[0]}, file.type, path);
  const std::span<std::byte> out(static_cast<std::byte*>(result.voxels_dhw.mutable_data_ptr()),
                                 result.voxels_dhw.nbytes());
  read_block(block, bytes, static_cast<std::uint64_t>(volume) * out.size(), out, path, notes);
  if (block.swapped) swap_bytes(result.voxels_dhw);
  return result;
}

}  // namespace pillar
