#include "data/scan/scan_paths.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/verify.h"

#include "core/shared/joined.h"
#include "core/shared/path_format.h"
#include "core/shared/settled_path.h"
#include "rave/shared/find_scans.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNamedScans = 5;

// Longest first, so that ".torch.tar" is not taken for ".tar".
constexpr std::string_view kSampleEndings[] = {".torch.tar", ".tar.lz4", ".tar", ".mp4", ".mkv"};

std::string_view sample_ending(std::string_view name) {
  for (std::string_view ending : kSampleEndings) {
    if (name.size() > ending.size() && name.ends_with(ending)) return ending;
  }
  return {};
}

// Joins the series of each study to one entry, at the place of its first.
class StudyList {
 public:
  // `is_named`: the scan's own path was asked for.
  void add(FoundScan found, bool is_named) {
    if (!found.series) {
      scans_.push_back({found.source, "", {}, found.fault, is_named});
      studies_.emplace_back();
      return;
    }
    const DicomSeries& series = *found.series;
    // Its UID alone would do, were there none that were made up for all patients alike. A study without one
    // is that of its folder.
    const StudyKey key = {series.study_uid, series.patient_id, series.accession,
                          series.study_uid.empty() ? found.source : fs::path()};
    const auto [place, is_new] = places_.emplace(key, scans_.size());
    if (is_new) {
      scans_.push_back({found.source, "", {}, {}, is_named});
      studies_.emplace_back();
    }
    ScanEntry& scan = scans_[place->second];
    scan.path = common_folder(scan.path, found.source);
    studies_[place->second].push_back(std::move(*found.series));
  }

  std::vector<ScanEntry> take() {
    name_neighbours();
    for (std::size_t i = 0; i < scans_.size(); ++i) {
      if (!studies_[i].empty())
        scans_[i].study = std::make_shared<const std::vector<DicomSeries>>(std::move(studies_[i]));
    }
    return std::move(scans_);
  }

 private:
  // UID, patient, accession, folder.
  using StudyKey = std::tuple<std::string, std::string, std::string, fs::path>;

  // Studies without an accession are called after their folder, unless they share it.
  void name_neighbours() {
    std::map<fs::path, std::vector<std::size_t>> unnamed;
    for (std::size_t i = 0; i < scans_.size(); ++i) {
      if (!studies_[i].empty() && studies_[i].front().accession.empty()) unnamed[scans_[i].path].push_back(i);
    }
    for (const auto& [folder, members] : unnamed) {
      for (std::size_t i : members) {
        if (members.size() > 1) scans_[i].name = studies_[i].front().study_uid;
      }
    }
  }

  std::vector<ScanEntry> scans_;
  std::vector<std::vector<DicomSeries>> studies_;  // of each scan; empty where it is no DICOM
  std::map<StudyKey, std::size_t> places_;
};

// Why a path that should hold one scan holds none, or several.
std::string fault_of(const fs::path& path, const std::vector<ScanEntry>& found) {
  for (const ScanEntry& scan : found) {
    if (!scan.fault.empty()) return scan.fault;
  }
  if (found.empty()) return fmt::format("{}: no scan in it, only what no model is shown", path);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(found.size(), kNamedScans); ++i)
    names.push_back(found[i].study ? fmt::format("study {} in {}", found[i].study->front().study_uid,
                                                 found[i].path.string())
                                   : found[i].path.string());
  return fmt::format("{}: holds {} scans, where one is expected: {}{}", path, found.size(),
                     joined(names, "; "), found.size() > names.size() ? "; ..." : "");
}

}  // namespace

std::string bare_name(const fs::path& path) {
  // "samples/A1.1.0/" has an empty last part.
  std::string name = (path.has_filename() ? path : path.parent_path()).filename().string();
  name.resize(name.size() - sample_ending(name).size());
  return name;
}

ScanKind scan_kind(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return looks_like_sample(path) ? ScanKind::sample : ScanKind::dicom;
  if (is_volume_file(path)) return ScanKind::volume_file;
  return sample_ending(path.filename().string()).empty() ? ScanKind::dicom : ScanKind::sample;
}

ScanEntry settled_entry(const ScanEntry& entry) {
  std::error_code ignored;
  const bool is_settled = entry.study || !entry.fault.empty() || !fs::exists(entry.path, ignored);
  if (is_settled || scan_kind(entry.path) != ScanKind::dicom) return entry;
  const std::vector<ScanEntry> found = list_scans({entry.path});
  std::vector<ScanEntry> scans = found;
  std::erase_if(scans, [](const ScanEntry& scan) { return !scan.fault.empty(); });
  if (scans.size() != 1)
    return {entry.path, entry.name, {}, fault_of(entry.path, scans.empty() ? found : scans)};
  if (!entry.name.empty()) scans.front().name = entry.name;
  scans.front().is_named = entry.is_named;
  return std::move(scans.front());
}

std::vector<ScanEntry> list_scans(const std::vector<fs::path>& paths) {
  ScanSearch search;
  search.inputs = paths;
  search.samples = true;
  search.threads = usable_processors();
  StudyList list;
  for (FoundScan& found : find_scans(search).scans) {
    const bool is_named = settled_path(found.source) == settled_path(paths[found.input]);
    list.add(std::move(found), is_named);
  }
  return list.take();
}

}  // namespace pillar
