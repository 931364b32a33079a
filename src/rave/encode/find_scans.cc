#include "rave/shared/find_scans.h"

#include "pillar/core/fail.h"
#include "pillar/core/file_walk.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/verify.h"

#include "core/shared/path_format.h"
#include "rave/encode/encode_left_out.h"
#include "rave/encode/encode_records.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <unordered_map>

namespace pillar {
namespace {

namespace fs = std::filesystem;

bool is_scan_file(const fs::path& file) {
  return is_volume_file(file) && !file.filename().string().starts_with(".");
}

// The inputs, then every file beside one that an input names, so that its whole series is found.
std::vector<fs::path> roots_of(const ScanSearch& search) {
  std::vector<fs::path> roots = search.inputs;
  std::set<fs::path> folders;
  for (const fs::path& input : search.inputs) {
    std::error_code ignored;
    if (search.only_named || is_volume_file(input) || !fs::is_regular_file(input, ignored)) continue;
    const fs::path folder = input.has_parent_path() ? input.parent_path() : fs::path(".");
    if (!folders.insert(folder).second) continue;
    for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
         entry.increment(ignored)) {
      std::error_code unreadable;
      if (entry->is_regular_file(unreadable) && !is_volume_file(entry->path()))
        roots.push_back(entry->path());
    }
  }
  return roots;
}

fs::path folder_of(const DicomSeries& series) {
  fs::path folder = series.planes.front().file.parent_path();
  for (const DicomPlane& plane : series.planes) folder = common_folder(folder, plane.file.parent_path());
  return folder;
}

// What there is instead of a scan at an input; `others` are its files.
std::string why_nothing(const fs::path& input, const std::vector<fs::path>& others) {
  std::error_code ignored;
  if (others.empty())
    return fs::is_directory(input, ignored) ? "no file is there" : "neither a file nor a folder";
  return fmt::format("no scan among {} file{}: {}: {}", others.size(), others.size() == 1 ? "" : "s",
                     others.front().filename(), looks_like(others.front()));
}

class ScanFinder {
 public:
  explicit ScanFinder(const ScanSearch& search) : search_(search) {}

  FoundScans run() {
    walk_ = walk_files(roots_of(search_), search_.own_output);
    std::vector<fs::path> candidates;
    for (std::size_t i = 0; i < walk_.files.size(); ++i) {
      WalkedFile& file = walk_.files[i];
      if (search_.samples && is_of_sample(i)) continue;
      if (is_scan_file(file.path)) {
        add({file.path, {}, bytes_below(file.path), {}, root_of(i)}, i);
      } else {
        places_.emplace(file.path.native(), i);
        candidates.push_back(std::move(file.path));  // of many files there should be no second list
      }
    }
    add_dicom(scan_dicom_files(std::move(candidates), search_.threads));
    add_faults();
    return finish();
  }

 private:
  // Where a scan stands among the others: at its first file.
  using Place = std::pair<std::size_t, std::size_t>;  // input, file

  void add(FoundScan scan, std::size_t file) {
    const std::size_t root = walk_.files[file].root;
    fruitful_.insert(root);
    found_.emplace(Place{root, file}, std::move(scan));
  }

  // Whether the file is a sample or a part of one, which is then found with its first file.
  bool is_of_sample(std::size_t file) {
    const fs::path& path = walk_.files[file].path;
    fs::path sample = sample_of(path);
    const bool is_video = path.extension() == ".mp4" || path.extension() == ".mkv";
    if (sample.empty() && is_video && is_input(file)) sample = path;
    if (sample.empty()) return false;
    if (samples_.insert(sample).second) add({sample, {}, 0, {}, root_of(file)}, file);
    return true;
  }

  std::size_t place_of(const fs::path& file) const { return places_.at(file.native()); }

  bool is_input(std::size_t file) const {
    return !is_neighbour(file) && search_.inputs[root_of(file)] == walk_.files[file].path;
  }

  std::size_t root_of(std::size_t file) const { return walk_.files[file].root; }

  // Only beside a file that was named: of no interest but for its series.
  bool is_neighbour(std::size_t file) const { return walk_.files[file].root >= search_.inputs.size(); }

  void add_dicom(DicomScan scan) {
    for (const DamagedFile& file : scan.damaged) {
      const std::size_t place = place_of(file.file);
      if (!is_neighbour(place))
        add({file.file, {}, 0, fmt::format("{}: {}", file.file, file.fault), root_of(place)}, place);
    }
    for (ExcludedPlane& plane : scan.left_out) leave_out(std::move(plane));
    for (const fs::path& file : scan.non_dicom) {
      const std::size_t place = place_of(file);
      if (is_neighbour(place)) continue;
      non_dicom_[walk_.files[place].root].push_back(file);
      left_out_.add(file, LeftOut::not_dicom, "");
    }
    for (DicomSeries& series : scan.series) add_series(std::move(series));
    if (walk_.skipped_files > 0)
      left_out_.add_many(search_.own_output, LeftOut::own_output, "", walk_.skipped_files);
  }

  void leave_out(ExcludedPlane plane) {
    const std::size_t place = place_of(plane.file);
    if (is_neighbour(place)) return;
    fruitful_.insert(walk_.files[place].root);
    left_out_.add(plane.file, plane.kind, plane.reason);
  }

  void add_series(DicomSeries series) {
    std::size_t first = walk_.files.size(), neighbours = 0;
    for (const DicomPlane& plane : series.planes) {
      const std::size_t place = place_of(plane.file);
      first = std::min(first, place);
      if (is_neighbour(place)) ++neighbours;
    }
    if (is_neighbour(first)) return;
    if (neighbours > 0) {
      series.notes.add(fmt::format(
          "{} of its {} images were not named and are taken because they belong to the same series",
          neighbours, series.planes.size()));
    }
    for (ExcludedPlane& plane : series.excluded) leave_out(plane);
    if (!is_wanted_volume(series)) return;
    const bool is_file = series.planes.size() == 1 || series.planes.front().file == series.planes.back().file;
    const bool is_named = search_.inputs[walk_.files[first].root] == series.planes.front().file;
    const fs::path source = is_file && is_named ? series.planes.front().file : folder_of(series);
    const std::uint64_t bytes = series.bytes_on_disk;
    add({source, std::move(series), bytes, {}, root_of(first)}, first);
  }

  // `--volume` picks one where a series has several.
  bool is_wanted_volume(const DicomSeries& series) const {
    const auto wanted = search_.volume_index;
    return !wanted || series.volume_count == 1 || *wanted == series.volume_index;
  }

  void add_faults() {
    for (const auto& [path, reason] : walk_.unreadable) {
      const auto input = std::find(search_.inputs.begin(), search_.inputs.end(), path);
      // A folder below an input stands with the last of them.
      const auto root =
          std::min(static_cast<std::size_t>(input - search_.inputs.begin()), search_.inputs.size() - 1);
      fruitful_.insert(root);
      found_.emplace(Place{root, 0},
                     FoundScan{path, {}, 0, fmt::format("{}: cannot read: {}", path, reason), root});
    }
    for (std::size_t root = 0; root < search_.inputs.size(); ++root) {
      const fs::path& input = search_.inputs[root];
      if (fruitful_.count(root) > 0) continue;
      const std::vector<fs::path>& others = non_dicom_[root];
      if (others.empty() && !walk_files({input}).files.empty()) continue;  // an earlier input had it all
      const std::string what = why_nothing(input, others);
      found_.emplace(Place{root, 0}, FoundScan{input, {}, 0, fmt::format("{}: {}", input, what), root});
    }
  }

  // `--series first`: of each folder the first by its UID.
  void keep_first_series() {
    std::map<fs::path, std::string> first;
    for (const auto& [place, scan] : found_) {
      if (!scan.series) continue;
      const auto [least, is_new] = first.try_emplace(scan.source, scan.series->series_uid);
      if (!is_new) least->second = std::min(least->second, scan.series->series_uid);
    }
    std::erase_if(found_, [&](const auto& entry) {
      const FoundScan& scan = entry.second;
      return scan.series && scan.series->series_uid != first[scan.source];
    });
  }

  FoundScans finish() {
    if (search_.first_series_only) keep_first_series();
    FoundScans result;
    for (auto& [place, scan] : found_) result.scans.push_back(std::move(scan));
    result.left_out = left_out_.take();
    return result;
  }

  const ScanSearch& search_;
  FileWalk walk_;
  std::unordered_map<std::string, std::size_t> places_;  // in the walk, of files that are no volume files
  std::multimap<Place, FoundScan> found_;
  std::set<fs::path> samples_;
  std::set<std::size_t> fruitful_;  // inputs of which something came, be it a fault
  std::map<std::size_t, std::vector<fs::path>> non_dicom_;
  LeftOutRecord left_out_;
};

void refuse_where_nothing_exists(const std::vector<fs::path>& inputs) {
  std::error_code ignored;
  for (const fs::path& input : inputs) {
    if (fs::exists(input, ignored)) return;
  }
  fail(ErrorCategory::io, "{}: no such file or folder{}", inputs.front(),
       inputs.size() > 1 ? ", nor any other input" : "");
}

}  // namespace

fs::path common_folder(const fs::path& a, const fs::path& b) {
  fs::path folder = a;
  while (!folder.empty() &&
         std::mismatch(folder.begin(), folder.end(), b.begin(), b.end()).first != folder.end())
    folder = folder.has_relative_path() ? folder.parent_path() : fs::path();
  return folder.empty() ? fs::path(".") : folder;
}

FoundScans find_scans(const ScanSearch& search) {
  refuse_where_nothing_exists(search.inputs);
  FoundScans found = ScanFinder(search).run();
  log_left_out(found.left_out);
  return found;
}

}  // namespace pillar
