#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/image/volume_file.h"

#include "image/finite.h"
#include "image/volume_file/itk_io.h"

#include <cstring>

namespace pillar {
namespace {

using Component = itk::IOComponentEnum;

Component component_type(const at::Tensor& voxels, const std::filesystem::path& path) {
  switch (voxels.scalar_type()) {
    case at::kByte:
      return Component::UCHAR;
    case at::kShort:
      return Component::SHORT;
    case at::kUInt16:
      return Component::USHORT;
    case at::kInt:
      return Component::INT;
    case at::kFloat:
      return Component::FLOAT;
    case at::kDouble:
      return Component::DOUBLE;
    default:
      fail(ErrorCategory::usage, "{}: voxels of type {} cannot be written", path,
           c10::toString(voxels.scalar_type()));
  }
}

// NIfTI stores sizes in 16 bits, and spacing, origin and axes as float32: they come back within a few 1e-7 of
// what they were. MetaImage prints decimals with enough digits for 1e-9 or so; NRRD prints all 17.
void describe(itk::ImageIOBase& io, const Volume& volume, const std::filesystem::path& path) {
  const SizeDhw size = size_dhw(volume.voxels_dhw);
  io.SetNumberOfDimensions(3);
  io.SetNumberOfComponents(1);
  io.SetPixelType(itk::IOPixelEnum::SCALAR);
  io.SetComponentType(component_type(volume.voxels_dhw, path));
  itk::ImageIORegion region(3);
  for (unsigned axis = 0; axis < 3; ++axis) {
    const auto length = size[2 - axis];
    if (length < 1) fail(ErrorCategory::usage, "{}: no voxels to write", path);
    io.SetDimensions(axis, static_cast<itk::SizeValueType>(length));
    region.SetSize(axis, static_cast<itk::SizeValueType>(length));
    io.SetSpacing(axis, volume.geometry.spacing_xyz_mm[axis]);
    io.SetOrigin(axis, volume.geometry.origin_xyz_mm[axis]);
    const auto column = volume.geometry.axis(static_cast<int>(axis));
    io.SetDirection(axis, std::vector<double>(column.begin(), column.end()));
  }
  io.SetIORegion(region);
  io.SetUseCompression(true);
}

// Some of ITK's writers do not report a full disk.
void check_written(const std::filesystem::path& made, const at::Tensor& voxels,
                   const std::filesystem::path& path) {
  bool same = false;
  try {
    Notes notes;
    const at::Tensor back = read_volume_file(made, {}, notes).voxels_dhw;
    same = back.nbytes() == voxels.nbytes() &&
           std::memcmp(back.const_data_ptr(), voxels.const_data_ptr(), voxels.nbytes()) == 0;
  } catch (const Error&) {
    same = false;
  }
  if (!same) fail(ErrorCategory::io, "{}: what was written does not read back (disk full?)", path);
}

const char* extension_name(VolumeFormat format, const std::filesystem::path& path) {
  if (format == VolumeFormat::nrrd) return "volume.nrrd";
  if (format == VolumeFormat::meta) return "volume.mha";
  return has_extension(path, ".gz") ? "volume.nii.gz" : "volume.nii";
}

}  // namespace

void write_volume_file(const std::filesystem::path& path, const Volume& volume) {
  const VolumeFormat format = volume_format(path);
  if (has_extension(path, ".mhd") || has_extension(path, ".nhdr")) {
    fail(ErrorCategory::unsupported, "{}: a header apart from its voxels is not written; use .mha or .nrrd",
         path);
  }
  const at::Tensor voxels = volume.voxels_dhw.contiguous();
  if (const auto bad = first_non_finite(voxels)) {
    fail(ErrorCategory::input, "{}: a voxel value of {} is not written", path, bad->value);
  }
  // ITK tells the format by the name, letter for letter, so the file is made under a name of its own in a
  // folder that is never committed, and moves from there.
  const PartialPath workshop(path.string() + ".d");
  PartialPath partial(path);
  std::error_code error;
  std::filesystem::create_directory(workshop.path(), error);
  if (error) fail(ErrorCategory::io, "{}: cannot be written: {}", path, error.message());
  const std::filesystem::path made = workshop.path() / extension_name(format, path);
  const auto io = make_itk_io(format, made);
  describe(*io, volume, path);
  call_itk(path, ErrorCategory::io, [&] {
    io->WriteImageInformation();
    io->Write(voxels.const_data_ptr());
  });
  check_written(made, voxels, path);
  std::filesystem::rename(made, partial.path(), error);
  if (error) fail(ErrorCategory::io, "{}: cannot be written: {}", path, error.message());
  partial.commit();
}

}  // namespace pillar
