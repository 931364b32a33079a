#include "pillar/image/prepare.h"

#include "pillar/core/fail.h"
#include "pillar/image/volume_file.h"

#include "image/padding.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

// What a DICOM series and a volume file have in common once they are loaded. Takes the volume over, so that
// its voxels go as soon as they are resampled.
PreparedVolume prepare_loaded(Volume loaded, LoadReport report, const std::string& source_name,
                              PreprocessOptions options) {
  PreparedVolume prepared;
  prepared.source = report.own_grid.value_or(grid_of(loaded));
  prepared.from_true_positions = report.own_grid.has_value();
  prepared.report = std::move(report);
  options.modality = loaded.modality;
  if (prepared.from_true_positions) options.target_spacing_xyz_mm.reset();  // it has it already
  PreprocessResult result = preprocess(loaded, options, source_name);
  prepared.volume = std::move(result.volume);
  prepared.is_mask = result.is_mask;
  prepared.resample_shape = result.resample_shape;
  return prepared;
}

// A single slice is a volume all the same; whoever meant more of them should know.
void note_single_slice(const Volume& loaded, LoadReport& report) {
  if (loaded.voxels_dhw.size(0) == 1) report.notes.add("a single slice");
}

void settle_padding(Volume& volume, const PreprocessOptions& options, LoadReport& report) {
  if (volume.modality != Modality::ct || !options.target_spacing_xyz_mm || options.mask == MaskPolicy::yes)
    return;
  PaddedVoxels padded = padding_to_air(volume.voxels_dhw);
  if (padded.count == 0) return;
  report.notes.add(padding_note(padded.count));
  volume.voxels_dhw = std::move(padded.voxels);
}

void log_report(const LoadReport& report, const std::filesystem::path& source) {
  for (const std::string& note : report.notes) spdlog::warn("{}: {}", source.string(), note);
}

}  // namespace

PreparedVolume prepare_series(const DicomSeries& series, const std::filesystem::path& source,
                              const PrepareOptions& options) {
  if (options.modality && *options.modality != series.modality) {
    fail(ErrorCategory::input, "{}: series {} is {}, the configuration is for {}", source, series.series_uid,
         to_string(series.modality), to_string(*options.modality));
  }
  const bool is_said_mask = options.preprocess.mask == MaskPolicy::yes;
  LoadReport report;
  DicomLoadOptions load;
  load.gaps = options.gaps;
  load.gantry_tilt = options.gantry_tilt;
  load.target_spacing_xyz_mm = options.preprocess.target_spacing_xyz_mm;
  load.padding_is_air = options.padding_is_air && !is_said_mask;
  load.nearest_neighbour = is_said_mask;
  load.threads = options.preprocess.threads;
  Volume volume = load_series(series, load, report);
  note_single_slice(volume, report);
  log_report(report, source);
  return prepare_loaded(std::move(volume), std::move(report), source.string(), options.preprocess);
}

PreparedVolume prepare_volume_file(const std::filesystem::path& file, const PrepareOptions& options) {
  VolumeFileOptions reading;
  reading.modality = options.modality.value_or(Modality::ct);
  reading.volume = options.volume_index;
  reading.nan = options.nan;
  LoadReport report;
  if (!options.modality) report.notes.add("modality not given, taken for CT (--set modality=MR changes it)");
  Notes notes;
  Volume volume = read_volume_file(file, reading, notes);
  // The log line names the file; the note, which may be stored beside the voxels, must not.
  const std::string prefix = file.string() + ": ";
  for (const std::string& note : notes)
    report.notes.add(note.starts_with(prefix) ? note.substr(prefix.size()) : note);
  report.source_slice_count = volume.voxels_dhw.size(0);
  if (options.padding_is_air) settle_padding(volume, options.preprocess, report);
  note_single_slice(volume, report);
  log_report(report, file);
  return prepare_loaded(std::move(volume), std::move(report), file.string(), options.preprocess);
}

}  // namespace pillar
