#include "pillar/image/volume_file.h"

#include "pillar/core/fail.h"

#include "core/shared/path_format.h"
#include "image/finite.h"
#include "image/padding.h"
#include "image/volume_file/itk_io.h"
#include "image/volume_file/stored_voxels.h"
#include "image/volume_file/text_header.h"
#include "image/volume_file/volume_file_parts.h"

namespace pillar {
namespace {

// Refuses NaN and infinity, or puts air in a NaN's place.
void settle_non_finite(Volume& volume, NanPolicy policy, const std::filesystem::path& path, Notes& notes) {
  const auto bad = first_non_finite(volume.voxels_dhw);
  if (!bad) return;
  const NonFiniteCounts counts = count_non_finite(volume.voxels_dhw);
  if (policy == NanPolicy::refuse || counts.infinite > 0) {
    const auto [depth, height, width] = size_dhw(volume.voxels_dhw);
    static_cast<void>(depth);
    fail(ErrorCategory::input,
         "{}: {} voxels are NaN and {} infinite; the first, {} at column {}, row {}, slice {}{}", path,
         counts.nan, counts.infinite, bad->value, bad->index % width, bad->index / width % height,
         bad->index / (width * height), counts.infinite == 0 ? " (--nan air takes NaN for air)" : "");
  }
  const bool is_ct = volume.modality == Modality::ct;
  const double air = replace_nan(volume.voxels_dhw, is_ct ? std::optional(kAirHu) : std::nullopt);
  notes.add(fmt::format("{}: {} voxels are NaN; taken for air ({})", path, counts.nan, air));
}

}  // namespace

bool is_volume_file(const std::filesystem::path& path) {
  for (std::string_view extension : {".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr"}) {
    if (has_extension(path, extension)) return true;
  }
  return false;
}

std::string volume_file_name(const std::filesystem::path& path) {
  const std::filesystem::path stem = path.stem();
  return (path.extension() == ".gz" ? stem.stem() : stem).string();
}

std::vector<std::filesystem::path> volume_file_parts(const std::filesystem::path& path) {
  const VolumeFormat format = volume_format(path);
  if (format == VolumeFormat::nifti) return {path};
  const VoxelBlock block = voxel_block(format, read_text_header(format, path), path);
  if (block.file == path) return {path};
  return {path, block.file};
}

std::int64_t choose_volume(std::int64_t volumes, const VolumeFileOptions& options,
                           const std::filesystem::path& path, Notes& notes) {
  const std::int64_t chosen = options.volume.value_or(0);
  if (chosen < 0 || chosen >= volumes) {
    fail(ErrorCategory::usage, "{}: no volume {}; it has {}, counted from 0", path, chosen, volumes);
  }
  if (volumes > 1 && !options.volume) {
    notes.add(fmt::format("{}: the first of {} volumes is read", path, volumes));
  }
  return chosen;
}

StoredVolume read_stored_volume(const std::filesystem::path& path, const VolumeFileOptions& options,
                                Notes& notes) {
  const VolumeFormat format = volume_format(path);
  StoredVolume stored = format == VolumeFormat::nifti
                            ? read_nifti(path, options, notes)
                            : StoredVolume{read_nrrd_or_meta(format, path, options, notes)};
  stored.volume.voxels_dhw = to_volume_type(stored.volume.voxels_dhw, path);
  stored.volume.modality = options.modality;
  settle_non_finite(stored.volume, options.nan, path, notes);
  return stored;
}

Volume read_volume_file(const std::filesystem::path& path, const VolumeFileOptions& options, Notes& notes) {
  StoredVolume stored = read_stored_volume(path, options, notes);
  LoadReport ignored;
  return straightened(std::move(stored), {}, ignored);
}

Volume straightened(StoredVolume stored, const DicomLoadOptions& options, LoadReport& report) {
  if (!stored.correction) return std::move(stored.volume);
  Volume volume = resampled_planes(stored.volume.voxels_dhw, *stored.correction, options, report);
  volume.modality = stored.volume.modality;
  volume.oriented = stored.volume.oriented;
  report.gantry_tilt_corrected_deg = stored.tilt_deg;
  return volume;
}

Grid read_volume_grid(const std::filesystem::path& path) {
  const VolumeFormat format = volume_format(path);
  return format == VolumeFormat::nifti ? read_nifti_grid(path) : read_nrrd_or_meta_grid(format, path);
}

}  // namespace pillar
