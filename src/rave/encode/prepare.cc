#include "pillar/rave/prepare.h"

#include "pillar/core/fail.h"
#include "pillar/image/volume_file.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

// Everything that a DICOM series and a volume file have in common.
PreparedScan finish(Volume loaded, SampleMetadata metadata, const std::filesystem::path& source,
                    const PrepareOptions& options) {
  metadata.modality = loaded.modality;
  metadata.anatomy = options.config.anatomy;
  metadata.original_spacing_xyz_mm = loaded.geometry.spacing_xyz_mm;
  metadata.original_shape = size_dhw(loaded.voxels_dhw);
  metadata.orientation = orientation_name(loaded.geometry);
  if (options.keep_source_path) metadata.source_directory = std::filesystem::absolute(source).string();

  PreprocessOptions preprocessing = options.config.preprocess;
  preprocessing.modality = loaded.modality;
  PreprocessResult result = preprocess(loaded, preprocessing, source.string());
  loaded.voxels_dhw.reset();

  metadata.is_mask = result.is_mask;
  metadata.target_spacing_xyz_mm = result.volume.geometry.spacing_xyz_mm;
  metadata.crop_pad_target_hw = preprocessing.crop_pad_hw;
  metadata.final_shape = size_dhw(result.volume.voxels_dhw);
  if (loaded.modality == Modality::mr) metadata.resample_shape = result.resample_shape;
  return {std::move(result.volume), std::move(metadata)};
}

}  // namespace

SampleMetadata identify_series(const DicomSeries& series) {
  SampleMetadata metadata;
  metadata.accession = series.accession;
  metadata.series_number = series.series_number;
  metadata.series_uid = series.series_uid;
  metadata.series_description = series.series_description;
  metadata.modality = series.modality;
  return metadata;
}

SampleMetadata identify_volume_file(const std::filesystem::path& file) {
  SampleMetadata metadata;
  std::filesystem::path stem = file.stem();
  if (file.extension() == ".gz") stem = stem.stem();
  metadata.accession = stem.string();
  return metadata;
}

PreparedScan prepare_series(const DicomSeries& series, const std::filesystem::path& source,
                            const PrepareOptions& options) {
  if (options.config.modality && *options.config.modality != series.modality) {
    fail(ErrorCategory::input, "{}: series {} is {}, the configuration is for {}", source, series.series_uid,
         to_string(series.modality), to_string(*options.config.modality));
  }
  LoadReport report;
  DicomLoadOptions load;
  load.gaps = options.gaps;
  Volume volume = load_series(series, load, report);

  SampleMetadata metadata = identify_series(series);
  metadata.source_slice_count = report.source_slice_count;
  metadata.excluded_slice_count = report.excluded_slice_count;
  metadata.filled_positions_mm = report.filled_positions_mm;
  metadata.notes = report.notes;
  if (!series.planes.empty() && series.planes.front().has_orientation) {
    metadata.image_orientation_patient = series.planes.front().orientation;
  }
  for (const std::string& note : metadata.notes) spdlog::warn("{}: {}", source.string(), note);
  return finish(std::move(volume), std::move(metadata), source, options);
}

PreparedScan prepare_volume_file(const std::filesystem::path& file, const PrepareOptions& options) {
  VolumeFileOptions reading;
  reading.modality = options.config.modality.value_or(Modality::ct);
  reading.volume = options.volume_index;
  SampleMetadata metadata = identify_volume_file(file);
  if (!options.config.modality) {
    metadata.notes.add("modality not given, taken for CT (--set modality=MR changes it)");
  }
  Notes notes;
  Volume volume = read_volume_file(file, reading, notes);
  // The log line names the file, metadata.json must not.
  const std::string prefix = file.string() + ": ";
  for (const std::string& note : notes)
    metadata.notes.add(note.starts_with(prefix) ? note.substr(prefix.size()) : note);
  metadata.source_slice_count = volume.voxels_dhw.size(0);
  const auto& d = volume.geometry.direction;
  metadata.image_orientation_patient = {d[0], d[3], d[6], d[1], d[4], d[7]};
  for (const std::string& note : metadata.notes) spdlog::warn("{}: {}", file.string(), note);
  return finish(std::move(volume), std::move(metadata), file, options);
}

}  // namespace pillar
