#include "pillar/rave/prepare.h"

#include "pillar/image/volume_file.h"

namespace pillar {
namespace {

PrepareOptions reading(const SamplePrepareOptions& options, const std::filesystem::path& source) {
  PrepareOptions prepare;
  prepare.modality = options.config.modality;
  prepare.preprocess = options.config.preprocess;
  prepare.reading = options.reading;
  prepare.volume_index = options.volume_index;
  prepare.intensity = options.config.intensity;
  prepare.judge = [source, config = options.config](const Volume& loaded, Notes& notes) {
    if (config.preprocess.mask == MaskPolicy::yes) return;  // labels have no unit
    const WindowFamily family = loaded.modality == Modality::mr ? WindowFamily::mr : WindowFamily::ct;
    judge_values(loaded.voxels_dhw, family, config.values, source.string(), notes);
  };
  prepare.padding_is_air = options.config.write.mode != SampleMode::rave10;  // which is the public engine's
  return prepare;
}

// Adds what a DICOM series and a volume file tell alike.
PreparedSample with_metadata(PreparedVolume prepared, SampleMetadata metadata,
                             const std::filesystem::path& source, const SamplePrepareOptions& options) {
  metadata.modality = prepared.volume.modality;
  metadata.anatomy = options.config.anatomy;
  metadata.original_spacing_xyz_mm = prepared.source.geometry.spacing_xyz_mm;
  metadata.original_shape = prepared.source.size_dhw;
  metadata.orientation = orientation_name(prepared.source.geometry);
  if (options.keep_source_path) metadata.source_directory = std::filesystem::absolute(source).string();

  metadata.source_slice_count = prepared.report.source_slice_count;
  metadata.excluded_slice_count = prepared.report.excluded_slice_count;
  metadata.filled_positions_mm = prepared.report.filled_positions_mm;
  metadata.slice_positions_mm = prepared.report.slice_positions_mm;
  metadata.gantry_tilt_corrected_deg = prepared.report.gantry_tilt_corrected_deg;
  metadata.notes = prepared.report.notes;

  metadata.is_mask = prepared.is_mask;
  metadata.target_spacing_xyz_mm = prepared.volume.geometry.spacing_xyz_mm;
  metadata.crop_pad_target_hw = options.config.preprocess.crop_pad_hw;
  metadata.final_shape = size_dhw(prepared.volume.voxels_dhw);
  if (prepared.volume.modality == Modality::mr) metadata.resample_shape = prepared.resample_shape;
  return {std::move(prepared.volume), std::move(metadata)};
}

}  // namespace

SampleMetadata identify_series(const DicomSeries& series) {
  SampleMetadata metadata;
  metadata.accession = series.accession;
  metadata.series_number = series.series_number;
  metadata.series_uid = series.series_uid;
  metadata.series_description = series.series_description;
  metadata.volume_index = series.volume_index;
  metadata.volume_key = series.volume_key;
  metadata.modality = series.modality;
  return metadata;
}

SampleMetadata identify_volume_file(const std::filesystem::path& file) {
  SampleMetadata metadata;
  metadata.accession = volume_file_name(file);
  return metadata;
}

PreparedSample prepare_sample(const DicomSeries& series, const std::filesystem::path& source,
                              const SamplePrepareOptions& options) {
  PreparedVolume prepared = prepare_series(series, source, reading(options, source));
  SampleMetadata metadata = identify_series(series);
  if (!series.planes.empty() && series.planes.front().has_orientation)
    metadata.image_orientation_patient = series.planes.front().orientation;
  return with_metadata(std::move(prepared), std::move(metadata), source, options);
}

PreparedSample prepare_sample(const std::filesystem::path& file, const SamplePrepareOptions& options) {
  PreparedVolume prepared = prepare_volume_file(file, reading(options, file));
  SampleMetadata metadata = identify_volume_file(file);
  const auto& d = prepared.source.geometry.direction;
  metadata.image_orientation_patient = {d[0], d[3], d[6], d[1], d[4], d[7]};
  return with_metadata(std::move(prepared), std::move(metadata), file, options);
}

}  // namespace pillar
