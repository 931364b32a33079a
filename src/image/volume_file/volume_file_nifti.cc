#include "pillar/core/fail.h"

#include "core/shared/path_format.h"
#include "image/volume_file/nifti_header.h"
#include "image/volume_file/stored_voxels.h"
#include "image/volume_file/volume_file_parts.h"

namespace pillar {
namespace {

at::Tensor read_voxels(GzipInput& file, const NiftiHeader& header, std::int64_t volume,
                       const std::filesystem::path& path, Notes& notes) {
  const auto bytes = static_cast<std::size_t>(header.volume_bytes());
  at::Tensor voxels =
      new_voxels({header.size_xyzt[2], header.size_xyzt[1], header.size_xyzt[0]}, header.type, path);
  file.seek(static_cast<std::uint64_t>(header.voxel_offset) + static_cast<std::uint64_t>(volume) * bytes);
  const std::size_t got = file.read(voxels.mutable_data_ptr(), bytes);
  if (got < bytes) fail(ErrorCategory::input, "{}: truncated: {} of {} bytes of voxels", path, got, bytes);
  // Reading on to the end of a gzip stream also checks its checksum.
  char next = 0;
  if (file.compressed() && volume + 1 == header.size_xyzt[3] && file.read(&next, 1) == 1) {
    notes.add(fmt::format("{}: there are bytes after the last voxel; they are ignored", path));
  }
  if (header.swapped) swap_bytes(voxels);
  return voxels;
}

// ITK's geometry where ITK reads all of it, since its last bits are what other tools compare with; ours for
// what it leaves in the file's unit (offsets), does not know (NIfTI-2) or refuses (a slight shear or scale).
Geometry read_geometry(const NiftiHeader& header, const std::filesystem::path& path, Notes& notes) {
  if (header.version != 1 || header.unit_mm != 1) return nifti_geometry(header, path, notes);
  const auto io = make_itk_io(VolumeFormat::nifti, path);
  try {
    io->ReadImageInformation();
  } catch (const itk::ExceptionObject&) {
    return nifti_geometry(header, path, notes);
  }
  const auto [x, y, z, volumes] = header.size_xyzt;
  static_cast<void>(volumes);
  return itk_geometry(*io, {z, y, x}, path, notes);
}

// What becomes of slices that are stacked off their normal.
StackPlan plan_tilted(const std::vector<DicomPlane>& slices, TiltPolicy policy,
                      const std::filesystem::path& path, Notes& notes) {
  DicomLoadOptions options;
  options.gantry_tilt = policy;
  LoadReport report;
  StackPlan plan = plan_stack(slices, options, path.string(), report);
  for (const std::string& note : report.notes) notes.add(fmt::format("{}: {}", path, note));
  return plan;
}

}  // namespace

StoredVolume read_nifti(const std::filesystem::path& path, const VolumeFileOptions& options, Notes& notes) {
  GzipInput file(path);
  const NiftiHeader header = read_nifti_header(file, path, notes);
  const std::int64_t volume = choose_volume(header.size_xyzt[3], options, path, notes);
  StoredVolume result;
  const std::vector<DicomPlane> slices = tilted_slices(header, path);
  if (slices.empty()) {
    result.volume.geometry = read_geometry(header, path, notes);
    warn_of_nifti_geometry(header, result.volume.geometry, path, notes);
  } else {
    const StackPlan plan = plan_tilted(slices, options.gantry_tilt, path, notes);
    result.correction = plan.correction;
    result.tilt_deg = plan.shear_deg;
    result.volume.geometry = plan.correction
                                 ? plan.correction->frame
                                 : stack_geometry(slices.front(), plan.against_normal, plan.spacing_mm);
  }
  result.volume.oriented = header.qform_code > 0 || header.sform_code > 0;
  at::Tensor& voxels = result.volume.voxels_dhw;
  voxels = read_voxels(file, header, volume, path, notes);
  if (header.scaled()) voxels = scale_voxels(voxels, header.slope, header.intercept);
  return result;
}

Grid read_nifti_grid(const std::filesystem::path& path) {
  GzipInput file(path);
  Notes notes;
  const NiftiHeader header = read_nifti_header(file, path, notes);
  const std::vector<DicomPlane> slices = tilted_slices(header, path);
  if (!slices.empty()) {
    const PlaneCorrection correction =
        plan_tilted(slices, TiltPolicy::correct, path, notes).correction.value();
    return {grid_geometry(correction.frame, correction.own), correction.own.size_dhw};
  }
  const auto [x, y, z, volumes] = header.size_xyzt;
  static_cast<void>(volumes);
  return {read_geometry(header, path, notes), {z, y, x}};
}

}  // namespace pillar
