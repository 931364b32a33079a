#include "pillar/data/scan.h"

#include "pillar/core/fail.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/sample.h"
#include "pillar/windows/value_check.h"

#include "data/scan/scan_paths.h"

#include <algorithm>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kVoxelBytes = 2;
constexpr std::uint64_t kGzipRatio = 8;  // more than scans reach

std::string chosen_name(const ScanEntry& entry, const std::string& own) {
  return entry.name.empty() ? own : entry.name;
}

Scan finish(Volume volume, std::string name) {
  Scan scan;
  scan.name = std::move(name);
  scan.volume = std::move(volume);
  return scan;
}

WindowFamily family_of(Modality modality, const ScanReadOptions& options) {
  return options.family.value_or(modality == Modality::mr ? WindowFamily::mr : WindowFamily::ct);
}

Scan read_sample(const Sample& sample, const std::string& name, const ScanReadOptions& options) {
  Scan scan = finish(sample.read({}, options.threads), name);
  judge_values(scan.volume.voxels_dhw, family_of(scan.volume.modality, options), ValuePolicy::lenient,
               sample.info().path.string(), scan.notes);
  const SampleInfo& info = sample.info();
  scan.rave10 = info.payload == PayloadKind::video && info.video && info.video->kind == VideoKind::rave10;
  if (!info.metadata) return scan;
  scan.geometry_known = info.metadata->geometry.has_value();
  const auto& spacing = scan.volume.geometry.spacing_xyz_mm;
  if (scan.geometry_known || spacing == info.metadata->target_spacing_xyz_mm) scan.spacing_xyz_mm = spacing;
  return scan;
}

// What its folder's manifest calls it, else its accession, else the name of its folder or file.
std::string own_name(const SampleInfo& info) {
  if (info.metadata && info.metadata->record && !info.metadata->record->sample_name.empty())
    return info.metadata->record->sample_name;
  const bool has_accession = info.metadata && !info.metadata->accession.empty();
  return has_accession ? info.metadata->accession : bare_name(info.path);
}

OpenedScan open_sample(const ScanEntry& entry, const ScanReadOptions& options) {
  auto sample = std::make_shared<Sample>(Sample::open(entry.path));
  const SampleInfo& info = sample->info();
  if (info.metadata && info.metadata->is_mask)
    fail(ErrorCategory::input, "{}: a segmentation mask, no scan", entry.path);
  OpenedScan opened;
  opened.name = chosen_name(entry, own_name(info));
  if (info.metadata) opened.modality = info.metadata->modality;
  opened.stored_dhw = info.size_dhw;
  opened.geometry_known = info.metadata && info.metadata->geometry;
  opened.read_bytes = static_cast<std::uint64_t>(info.size_dhw[0] * info.size_dhw[1] * info.size_dhw[2]) *
                      c10::elementSize(info.dtype);
  opened.read = [sample, name = opened.name, options] { return read_sample(*sample, name, options); };
  opened.identify = [sample] { return sample->identity(); };
  return opened;
}

Scan from_prepared(PreparedVolume prepared, const std::string& name) {
  Scan scan = finish(std::move(prepared.volume), name);
  scan.geometry_known = scan.volume.oriented;
  scan.spacing_xyz_mm = scan.volume.geometry.spacing_xyz_mm;
  scan.source = prepared.source;
  scan.from_true_positions = prepared.from_true_positions;
  scan.order = prepared.order;
  scan.mr_normalised = scan.volume.modality == Modality::mr;
  return scan;
}

// A mask has nothing for a model to see, and a CT that is not in HU shows it something else.
void judge_loaded(const Volume& loaded, const fs::path& path, const ScanReadOptions& options, Notes& notes) {
  if (looks_like_mask(loaded.voxels_dhw)) {
    fail(ErrorCategory::input, "{}: whole numbers, and few of them: a segmentation mask, no scan", path);
  }
  judge_values(loaded.voxels_dhw, family_of(loaded.modality, options), ValuePolicy::lenient, path.string(),
               notes);
}

PrepareOptions preparing(const ScanReadOptions& options, const fs::path& path) {
  PrepareOptions prepare = options.prepare;
  prepare.judge = [path, options](const Volume& loaded, Notes& notes) {
    judge_loaded(loaded, path, options, notes);
  };
  prepare.preprocess.mask = MaskPolicy::no;  // it is none
  prepare.preprocess.normalize_mr = true;
  prepare.preprocess.threads = options.threads;
  return prepare;
}

OpenedScan open_volume_file(const ScanEntry& entry, const ScanReadOptions& options) {
  std::error_code error;
  const std::uint64_t on_disk = fs::file_size(entry.path, error);
  if (error) fail(ErrorCategory::io, "{}: {}", entry.path, error.message());
  OpenedScan opened;
  opened.name = chosen_name(entry, volume_file_name(entry.path));
  opened.modality = options.prepare.modality.value_or(Modality::ct);
  opened.geometry_known = true;
  opened.read_bytes = on_disk * (entry.path.extension() == ".gz" ? kGzipRatio : 1) * 2;
  opened.read = [path = entry.path, name = opened.name, prepare = preparing(options, entry.path)] {
    return from_prepared(prepare_volume_file(path, prepare), name);
  };
  opened.identify = [path = entry.path, volume = options.prepare.volume_index] {
    return volume_file_identity(path, volume);
  };
  return opened;
}

std::uint64_t loading_bytes(const DicomSeries& series) {
  std::uint64_t voxels = 0;
  for (const DicomPlane& plane : series.planes)
    voxels += static_cast<std::uint64_t>(plane.rows) * static_cast<std::uint64_t>(plane.columns);
  return voxels * kVoxelBytes * 3;  // files, voxels, and the resampled grid
}

OpenedScan open_dicom(const ScanEntry& entry, const ScanReadOptions& options) {
  DicomScan found = scan_dicom(entry.path);
  if (found.series.empty())
    fail(ErrorCategory::input, "{}: no CT or MR series with pixels in it", entry.path);
  const auto largest = std::max_element(
      found.series.begin(), found.series.end(),
      [](const DicomSeries& a, const DicomSeries& b) { return a.planes.size() < b.planes.size(); });
  OpenedScan opened;
  if (found.series.size() > 1) {
    opened.notes.add(fmt::format("{} series, taken is that with the most slices: number {}, {} slices",
                                 found.series.size(), largest->series_number, largest->planes.size()));
  }
  opened.name = chosen_name(entry, largest->accession.empty() ? bare_name(entry.path) : largest->accession);
  opened.modality = largest->modality;
  opened.geometry_known = true;
  opened.read_bytes = loading_bytes(*largest);
  opened.identify = [identity = series_identity(*largest)] { return identity; };
  opened.read = [series = std::move(*largest), path = entry.path, name = opened.name,
                 prepare = preparing(options, entry.path)] {
    return from_prepared(prepare_series(series, path, prepare), name);
  };
  return opened;
}

}  // namespace

PrepareOptions prepare_options(const PreprocessSpec& spec) {
  PrepareOptions options;
  if (spec.family != WindowFamily::xray)
    options.modality = spec.family == WindowFamily::mr ? Modality::mr : Modality::ct;
  options.axes = spec.axes;
  PreprocessOptions& preprocess = options.preprocess;
  preprocess.target_spacing_xyz_mm = spec.target_spacing_xyz_mm;
  preprocess.slices = spec.size_dhw[0];
  preprocess.crop_pad_hw = {spec.size_dhw[1], spec.size_dhw[2]};
  return options;
}

ScanReadOptions read_options(const PreprocessSpec& spec, int threads) {
  ScanReadOptions options;
  options.prepare = prepare_options(spec);
  options.threads = threads;
  options.family = spec.family;
  return options;
}

OpenedScan open_scan(const ScanEntry& entry, const ScanReadOptions& options) {
  std::error_code ignored;
  if (!fs::exists(entry.path, ignored)) fail(ErrorCategory::io, "{}: no such file or folder", entry.path);
  const ScanKind kind = scan_kind(entry.path);
  if (kind == ScanKind::sample) return open_sample(entry, options);
  return kind == ScanKind::volume_file ? open_volume_file(entry, options) : open_dicom(entry, options);
}

}  // namespace pillar
