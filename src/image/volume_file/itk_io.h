// ITK's image readers and writers, used one by one (no object factories), with errors of our kind.
#pragma once

#include "pillar/core/fail.h"
#include "pillar/core/notes.h"
#include "pillar/core/printable.h"
#include "pillar/image/volume.h"

#include <filesystem>
#include <string>

#include <itkImageIOBase.h>

namespace pillar {

enum class VolumeFormat { nifti, nrrd, meta };

// By extension, whatever its case; throws Error(unsupported) for another one.
VolumeFormat volume_format(const std::filesystem::path& path);
bool has_extension(const std::filesystem::path& path, std::string_view extension);

itk::ImageIOBase::Pointer make_itk_io(VolumeFormat format, const std::filesystem::path& path);

// The one line of an ITK report that says what went wrong.
std::string short_fault(const itk::ExceptionObject& error);

// Runs what calls ITK; its exceptions, and failed allocations, become Error(`category`) with the path.
template <typename Call>
void call_itk(const std::filesystem::path& path, ErrorCategory category, const Call& call) {
  try {
    call();
  } catch (const itk::ExceptionObject& error) {
    fail(category, "{}: {}", path, short_fault(error));
  } catch (const std::bad_alloc&) {
    fail(category, "{}: not enough memory", path);
  }
}

// The first three axes of what ReadImageInformation() found, as nearest_rigid_frame() takes them. Throws
// Error(input) where a spacing is not positive and what nearest_rigid_frame() throws.
Geometry itk_geometry(const itk::ImageIOBase& io, const SizeDhw& size_dhw, const std::filesystem::path& path,
                      Notes& notes);

}  // namespace pillar
