// NRRD and MetaImage: a header of lines, then voxels.
#include "pillar/core/fail.h"

#include "image/volume_file/meta_header.h"
#include "image/volume_file/nrrd_header.h"
#include "image/volume_file/stored_voxels.h"
#include "image/volume_file/text_header.h"
#include "image/volume_file/volume_file_parts.h"

namespace pillar {
namespace {

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

VolumeHeader described(VolumeFormat format, const TextHeader& header, const std::filesystem::path& path,
                       Notes& notes) {
  return format == VolumeFormat::nrrd ? parse_nrrd_header(header, path, notes)
                                      : parse_meta_header(header, path, notes);
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
