#include "pillar/image/prepare.h"

#include "pillar/core/fail.h"
#include "pillar/image/volume_file.h"

#include "image/intensity.h"
#include "image/padding.h"
#include "image/volume_file/volume_file_parts.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

void log_report(const LoadReport& report, const std::filesystem::path& source) {
  for (const std::string& note : report.notes) spdlog::warn("{}: {}", source.string(), note);
}

void bring_to_unit(Volume& loaded, const IntensityScale& scale, Notes& notes) {
  if (scale == IntensityScale()) return;
  loaded.voxels_dhw = rescale_voxels(loaded.voxels_dhw, scale.slope, scale.offset);
  notes.add(fmt::format("values are {} x stored + {}, as asked for", scale.slope, scale.offset));
}

// What a DICOM series and a volume file have in common once they are loaded. Takes the volume over, so that
// its voxels go as soon as they are resampled.
PreparedVolume prepare_loaded(Volume loaded, LoadReport report, const std::filesystem::path& source,
                              const PrepareOptions& options) {
  if (options.judge) options.judge(loaded, report.notes);
  log_report(report, source);
  PreparedVolume prepared;
  prepared.source = report.own_grid.value_or(grid_of(loaded));
  prepared.from_true_positions = report.own_grid.has_value();
  prepared.report = std::move(report);
  if (options.axes && loaded.oriented) prepared.order = axis_order(loaded.geometry, *options.axes);
  loaded = reordered(loaded, prepared.order);
  PreprocessOptions preprocessing = options.preprocess;
  preprocessing.modality = loaded.modality;
  if (prepared.from_true_positions) preprocessing.target_spacing_xyz_mm.reset();  // it has it already
  PreprocessResult result = preprocess(loaded, preprocessing, source.string());
  prepared.volume = std::move(result.volume);
  prepared.volume.oriented = loaded.oriented;
  prepared.is_mask = result.is_mask;
  prepared.resample_shape = result.resample_shape;
  return prepared;
}

// Directions of the columns, rows and normal of a plane; no more.
Geometry directions_of(const DicomPlane& plane) {
  const auto [ax, ay, az, bx, by, bz] = plane.orientation;
  Geometry geometry;
  geometry.direction = {ax, bx, ay * bz - az * by, ay, by, az * bx - ax * bz, az, bz, ax * by - ay * bx};
  return geometry;
}

// The spacing asked for, along the columns, rows and planes of a scan whose axes are to be brought to others.
std::optional<std::array<double, 3>> spacing_along(const Geometry& geometry, const PrepareOptions& options) {
  const auto& asked = options.preprocess.target_spacing_xyz_mm;
  if (!asked || !options.axes) return asked;
  const AxisOrder order = axis_order(geometry, *options.axes);
  std::array<double, 3> spacing = *asked;
  for (std::size_t to = 0; to < 3; ++to)
    spacing[2 - static_cast<std::size_t>(order.from[to])] = (*asked)[2 - to];
  return spacing;
}

// A single slice is a volume all the same; whoever meant more of them should know.
void note_single_slice(const Volume& loaded, LoadReport& report) {
  if (loaded.voxels_dhw.size(0) == 1) report.notes.add("a single slice");
}

void settle_padding(Volume& volume, const PreprocessOptions& options, LoadReport& report) {
  if (volume.modality != Modality::ct || options.mask == MaskPolicy::yes) return;
  PaddedVoxels padded = padding_to_air(volume.voxels_dhw);
  if (padded.count == 0) return;
  report.notes.add(padding_note(padded.count));
  volume.voxels_dhw = std::move(padded.voxels);
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
  load.gaps = options.reading.gaps;
  load.gantry_tilt = options.reading.gantry_tilt;
  if (!series.planes.empty())
    load.target_spacing_xyz_mm = spacing_along(directions_of(series.planes.front()), options);
  load.padding_is_air = options.padding_is_air && !is_said_mask;
  load.nearest_neighbour = is_said_mask;
  load.threads = options.preprocess.threads;
  Volume volume = load_series(series, load, report);
  bring_to_unit(volume, options.intensity, report.notes);
  note_single_slice(volume, report);
  return prepare_loaded(std::move(volume), std::move(report), source, options);
}

PreparedVolume prepare_volume_file(const std::filesystem::path& file, const PrepareOptions& options) {
  VolumeFileOptions reading;
  reading.modality = options.modality.value_or(Modality::ct);
  reading.volume = options.volume_index;
  reading.nan = options.reading.nan;
  reading.gantry_tilt = options.reading.gantry_tilt;
  LoadReport report;
  if (!options.modality) report.notes.add("modality not given, taken for CT (--set modality=MR changes it)");
  Notes notes;
  StoredVolume stored = read_stored_volume(file, reading, notes);
  // The log line names the file; the note, which may be stored beside the voxels, must not.
  const std::string prefix = file.string() + ": ";
  for (const std::string& note : notes)
    report.notes.add(note.starts_with(prefix) ? note.substr(prefix.size()) : note);
  report.source_slice_count = stored.volume.voxels_dhw.size(0);
  bring_to_unit(stored.volume, options.intensity, report.notes);
  const bool is_resampled = stored.correction || options.preprocess.target_spacing_xyz_mm;
  if (options.padding_is_air && is_resampled) settle_padding(stored.volume, options.preprocess, report);
  DicomLoadOptions load;
  if (stored.correction) load.target_spacing_xyz_mm = spacing_along(stored.correction->frame, options);
  load.nearest_neighbour = options.preprocess.mask == MaskPolicy::yes;
  load.threads = options.preprocess.threads;
  Volume volume = straightened(std::move(stored), load, report);
  note_single_slice(volume, report);
  return prepare_loaded(std::move(volume), std::move(report), file, options);
}

}  // namespace pillar
