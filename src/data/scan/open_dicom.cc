#include "data/scan/open_dicom.h"

#include "core/shared/settled_path.h"
#include "data/scan/prepared_scan.h"
#include "data/scan/scan_paths.h"
#include "data/scan/series_choice.h"

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::uint64_t kDicomVoxelBytes = 2;

std::uint64_t loading_bytes(const DicomSeries& series) {
  std::uint64_t voxels = 0;
  for (const DicomPlane& plane : series.planes)
    voxels += static_cast<std::uint64_t>(plane.rows) * static_cast<std::uint64_t>(plane.columns);
  return voxels * kDicomVoxelBytes * 3;  // files, voxels, and the resampled grid
}

// What a study is called that the entry does not name: its accession, else its folder.
std::string study_name(const ScanEntry& entry, const DicomSeries& series) {
  const bool has_accession = !series.accession.empty();
  return chosen_name(entry, has_accession ? series.accession : bare_name(settled_path(entry.path)));
}

// "A1.3", and "A1.3.2" for the second of several volumes of a series.
std::string name_in_study(const ScanEntry& entry, const DicomSeries& series) {
  const std::string name = fmt::format("{}.{}", study_name(entry, series), series.series_number);
  return series.volume_count > 1 ? fmt::format("{}.{}", name, series.volume_index + 1) : name;
}

}  // namespace

OpenedScan open_dicom(const ScanEntry& entry, const ScanReadOptions& options) {
  OpenedScan opened;
  opened.entry = entry;
  opened.entry.study = std::make_shared<const std::vector<DicomSeries>>(
      1, choose_series(*entry.study, options, entry.path, opened.notes));
  const DicomSeries& series = opened.entry.study->front();
  opened.name = study_name(entry, series);
  opened.modality = series.modality;
  opened.geometry_known = true;
  opened.read_bytes = loading_bytes(series);
  opened.identify = [identity = series_identity(series)] { return identity; };
  opened.read = [study = opened.entry.study, path = entry.path, name = opened.name,
                 prepare = preparing(options, entry.path)] {
    return scan_of_prepared(prepare_series(study->front(), path, prepare), name);
  };
  return opened;
}

std::vector<ScanEntry> with_all_series(const std::vector<ScanEntry>& scans, const ScanReadOptions& options) {
  std::vector<ScanEntry> all;
  for (const ScanEntry& scan : scans) {
    const ScanEntry study = settled_entry(scan);
    std::vector<const DicomSeries*> usable;
    if (study.study) usable = usable_series(*study.study, options);
    if (usable.size() < 2) {
      all.push_back(study);
      continue;
    }
    for (const DicomSeries* one : usable) {
      ScanEntry entry = study;
      entry.name = name_in_study(study, *one);
      entry.study = std::make_shared<const std::vector<DicomSeries>>(1, *one);
      all.push_back(std::move(entry));
    }
  }
  return all;
}

}  // namespace pillar
