#include "image/volume_file/itk_io.h"

#include "image/volume_file/rigid_frame.h"

#include <cctype>

#include <itkMetaImageIO.h>
#include <itkNiftiImageIO.h>
#include <itkNrrdImageIO.h>

namespace pillar {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

bool has_extension(const std::filesystem::path& path, std::string_view extension) {
  return lower(path.filename().string()).ends_with(extension);
}

VolumeFormat volume_format(const std::filesystem::path& path) {
  if (has_extension(path, ".nii") || has_extension(path, ".nii.gz")) return VolumeFormat::nifti;
  if (has_extension(path, ".nrrd") || has_extension(path, ".nhdr")) return VolumeFormat::nrrd;
  if (has_extension(path, ".mha") || has_extension(path, ".mhd")) return VolumeFormat::meta;
  if (has_extension(path, ".hdr") || has_extension(path, ".img")) {
    fail(ErrorCategory::unsupported,
         "{}: an Analyze or NIfTI pair (.hdr and .img) is not read: Analyze does not say which side is left; "
         "make one .nii file of it with the tool that wrote it",
         path);
  }
  fail(ErrorCategory::unsupported, "{}: not a NIfTI, NRRD or MetaImage name", path);
}

itk::ImageIOBase::Pointer make_itk_io(VolumeFormat format, const std::filesystem::path& path) {
  itk::Object::GlobalWarningDisplayOff();  // it prints pages to stderr; what matters is said in our own
                                           // notes
  itk::ImageIOBase::Pointer io;
  switch (format) {
    case VolumeFormat::nifti:
      io = itk::NiftiImageIO::New().GetPointer();
      break;
    case VolumeFormat::nrrd:
      io = itk::NrrdImageIO::New().GetPointer();
      break;
    case VolumeFormat::meta:
      io = itk::MetaImageIO::New().GetPointer();
      break;
  }
  io->SetFileName(path.string());
  return io;
}

std::string short_fault(const itk::ExceptionObject& error) {
  std::string_view text = error.GetDescription();
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  if (const auto reason = text.rfind("\nReason: "); reason != std::string_view::npos)
    text = text.substr(0, reason);
  // Libraries below ITK report from the outside in, a line each: the last line is the cause.
  if (const auto line = text.rfind('\n'); line != std::string_view::npos) text.remove_prefix(line + 1);
  for (std::string_view prefix : {"ITK ERROR: ", "itk::ERROR: "}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  if (const auto address = text.find("): ");
      address != std::string_view::npos && text.find("(0x") < address) {
    text.remove_prefix(address + 3);
  }
  return printable(text, 160);
}

Geometry itk_geometry(const itk::ImageIOBase& io, const SizeDhw& size_dhw, const std::filesystem::path& path,
                      Notes& notes) {
  Geometry geometry;
  for (unsigned axis = 0; axis < 3; ++axis) {
    geometry.spacing_xyz_mm[axis] = io.GetSpacing(axis);
    geometry.origin_xyz_mm[axis] = io.GetOrigin(axis);
    const std::vector<double> column = io.GetDirection(axis);
    for (unsigned row = 0; row < 3; ++row) geometry.direction[3 * row + axis] = column.at(row);
  }
  return nearest_rigid_frame(geometry, size_dhw, path, notes);
}

}  // namespace pillar
