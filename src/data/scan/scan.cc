#include "pillar/data/scan.h"

#include "pillar/core/fail.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/sample.h"
#include "pillar/windows/value_check.h"

#include "data/scan/open_dicom.h"
#include "data/scan/prepared_scan.h"
#include "data/scan/scan_paths.h"

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kGzipRatio = 8;  // more than scans reach

Scan finish(Volume volume, std::string name) {
  Scan scan;
  scan.name = std::move(name);
  scan.volume = std::move(volume);
  return scan;
}

[[noreturn]] void refuse_mask(const fs::path& path, const char* what) {
  throw NoScan(ErrorCategory::input, fmt::format("{}: {}, no scan", path.string(), what));
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
  if (info.metadata && info.metadata->is_mask) refuse_mask(entry.path, "a segmentation mask");
  OpenedScan opened;
  opened.entry = entry;
  opened.name = chosen_name(entry, own_name(info));
  if (info.metadata) opened.modality = info.metadata->modality;
  opened.stored_dhw = info.size_dhw;
  opened.geometry_known = info.metadata && info.metadata->geometry;
  if (info.metadata) {
    const auto& target = info.metadata->target_spacing_xyz_mm;
    opened.stored_geometry = info.metadata->geometry;
    if (opened.stored_geometry)
      opened.stored_spacing_xyz_mm = opened.stored_geometry->spacing_xyz_mm;
    else if (std::all_of(target.begin(), target.end(), [](double mm) { return mm > 0; }))
      opened.stored_spacing_xyz_mm = target;
  }
  opened.read_bytes = static_cast<std::uint64_t>(info.size_dhw[0] * info.size_dhw[1] * info.size_dhw[2]) *
                      c10::elementSize(info.dtype);
  opened.read = [sample, name = opened.name, options] { return read_sample(*sample, name, options); };
  opened.identify = [sample] { return sample->identity(); };
  return opened;
}

// A mask has nothing for a model to see, and a CT that is not in HU shows it something else.
void judge_loaded(const Volume& loaded, const fs::path& path, const ScanReadOptions& options, Notes& notes) {
  if (looks_like_mask(loaded.voxels_dhw))
    refuse_mask(path, "whole numbers, and few of them: a segmentation mask");
  judge_values(loaded.voxels_dhw, family_of(loaded.modality, options), ValuePolicy::lenient, path.string(),
               notes);
}

OpenedScan open_volume_file(const ScanEntry& entry, const ScanReadOptions& options) {
  std::error_code error;
  const std::uint64_t on_disk = fs::file_size(entry.path, error);
  if (error) fail(ErrorCategory::io, "{}: {}", entry.path, error.message());
  OpenedScan opened;
  opened.entry = entry;
  opened.name = chosen_name(entry, volume_file_name(entry.path));
  opened.modality = options.prepare.modality.value_or(Modality::ct);
  opened.geometry_known = true;
  opened.read_bytes = on_disk * (entry.path.string().ends_with(".gz") ? kGzipRatio : 1) * 2;
  opened.read = [path = entry.path, name = opened.name, prepare = preparing(options, entry.path)] {
    return scan_of_prepared(prepare_volume_file(path, prepare), name);
  };
  opened.identify = [path = entry.path, volume = options.prepare.volume_index] {
    return volume_file_identity(path, volume);
  };
  return opened;
}

}  // namespace

std::string chosen_name(const ScanEntry& entry, const std::string& own) {
  return entry.name.empty() ? own : entry.name;
}

Scan scan_of_prepared(PreparedVolume prepared, const std::string& name) {
  Scan scan = finish(std::move(prepared.volume), name);
  scan.geometry_known = scan.volume.oriented;
  scan.spacing_xyz_mm = scan.volume.geometry.spacing_xyz_mm;
  scan.source = prepared.source;
  scan.from_true_positions = prepared.from_true_positions;
  scan.order = prepared.order;
  scan.mr_normalised = scan.volume.modality == Modality::mr;
  return scan;
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
  options.series.tower = spec.modality;
  return options;
}

OpenedScan open_scan(const ScanEntry& entry, const ScanReadOptions& options) {
  std::error_code ignored;
  if (!fs::exists(entry.path, ignored)) fail(ErrorCategory::io, "{}: no such file or folder", entry.path);
  const ScanEntry scan = settled_entry(entry);
  if (!scan.fault.empty()) fail(ErrorCategory::input, "{}", scan.fault);
  if (scan.study) return open_dicom(scan, options);
  return scan_kind(scan.path) == ScanKind::sample ? open_sample(scan, options)
                                                  : open_volume_file(scan, options);
}

}  // namespace pillar
