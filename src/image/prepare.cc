#include "pillar/image/prepare.h"

#include "pillar/core/fail.h"
#include "pillar/image/volume_file.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

// What a DICOM series and a volume file have in common once they are loaded. Takes the volume over, so that
// its voxels go as soon as they are resampled.
PreparedVolume prepare_loaded(Volume loaded, LoadReport report, const std::string& source_name,
                              PreprocessOptions options) {
  PreparedVolume prepared;
  prepared.source = grid_of(loaded);
  prepared.report = std::move(report);
  options.modality = loaded.modality;
  PreprocessResult result = preprocess(loaded, options, source_name);
  prepared.volume = std::move(result.volume);
  prepared.is_mask = result.is_mask;
  prepared.resample_shape = result.resample_shape;
  return prepared;
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
  LoadReport report;
  DicomLoadOptions load;
  load.gaps = options.gaps;
  Volume volume = load_series(series, load, report);
  log_report(report, source);
  return prepare_loaded(std::move(volume), std::move(report), source.string(), options.preprocess);
}

PreparedVolume prepare_volume_file(const std::filesystem::path& file, const PrepareOptions& options) {
  VolumeFileOptions reading;
  reading.modality = options.modality.value_or(Modality::ct);
  reading.volume = options.volume_index;
  LoadReport report;
  if (!options.modality) report.notes.add("modality not given, taken for CT (--set modality=MR changes it)");
  Notes notes;
  Volume volume = read_volume_file(file, reading, notes);
  // The log line names the file; the note, which may be stored beside the voxels, must not.
  const std::string prefix = file.string() + ": ";
  for (const std::string& note : notes)
    report.notes.add(note.starts_with(prefix) ? note.substr(prefix.size()) : note);
  report.source_slice_count = volume.voxels_dhw.size(0);
  log_report(report, file);
  return prepare_loaded(std::move(volume), std::move(report), file.string(), options.preprocess);
}

}  // namespace pillar
