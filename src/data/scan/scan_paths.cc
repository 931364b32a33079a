#include "data/scan/scan_paths.h"

#include "pillar/core/fail.h"
#include "pillar/data/scan.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/encode_job.h"
#include "pillar/rave/verify.h"

#include <algorithm>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// Longest first, so that ".torch.tar" is not taken for ".tar".
constexpr std::string_view kSampleEndings[] = {".torch.tar", ".tar.lz4", ".tar", ".mp4", ".mkv"};

std::string_view sample_ending(std::string_view name) {
  for (std::string_view ending : kSampleEndings) {
    if (name.size() > ending.size() && name.ends_with(ending)) return ending;
  }
  return {};
}

// Samples at or below the folder; empty where there are none.
std::vector<fs::path> samples_below(const fs::path& folder) {
  try {
    return find_samples({folder});
  } catch (const Error& error) {
    if (error.category() != ErrorCategory::input) throw;
    return {};
  }
}

// Volume files lie side by side; a DICOM folder is one scan.
void add_folder(const fs::path& folder, std::vector<ScanEntry>& scans) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (is_volume_file(it->path()) && !it->path().filename().string().starts_with("."))
      files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) files.push_back(folder);
  for (fs::path& file : files) scans.push_back({std::move(file), ""});
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
  if (fs::is_directory(path, ignored)) {
    const std::vector<fs::path> found = samples_below(path);
    return found.size() == 1 && found.front() == path ? ScanKind::sample : ScanKind::dicom;
  }
  if (is_volume_file(path)) return ScanKind::volume_file;
  return sample_ending(path.filename().string()).empty() ? ScanKind::dicom : ScanKind::sample;
}

std::vector<ScanEntry> list_scans(const std::vector<fs::path>& paths) {
  std::vector<ScanEntry> scans;
  for (const fs::path& path : paths) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) {
      scans.push_back({path, ""});
      continue;
    }
    const std::vector<fs::path> samples = samples_below(path);
    for (const fs::path& sample : samples) scans.push_back({sample, ""});
    if (!samples.empty()) continue;
    for (const fs::path& folder : expand_inputs({path})) add_folder(folder, scans);
  }
  return scans;
}

}  // namespace pillar
