#include "pillar/core/fail.h"
#include "pillar/image/dicom_series.h"

#include "image/dicom/dicom_header.h"
#include "image/dicom/dicom_runtime.h"
#include "image/dicom/dicom_select.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <system_error>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (error || !fs::exists(status)) {
    fail(ErrorCategory::io, "{}: cannot read: {}", folder,
         error ? error.message() : "no such file or folder");
  }
  if (fs::is_regular_file(status)) return {folder};
  if (!fs::is_directory(status)) fail(ErrorCategory::io, "{}: neither a file nor a folder", folder);
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) files.push_back(entry->path());
  }
  if (error) fail(ErrorCategory::io, "{}: cannot read the folder: {}", folder, error.message());
  std::sort(files.begin(), files.end());  // the file system's order is nobody's
  return files;
}

// The fault alone, where it stands beside the file.
std::string without_name(const std::string& message, const fs::path& file) {
  const std::string prefix = file.string() + ": ";
  return message.compare(0, prefix.size(), prefix) == 0 ? message.substr(prefix.size()) : message;
}

struct Found {
  DicomSeries identity;
  std::vector<PlaneHeader> planes;
};

void finish_series(DicomScan& scan, Found&& found) {
  DicomSeries series = std::move(found.identity);
  select_planes(series, std::move(found.planes));
  if (!series.planes.empty()) {
    scan.series.push_back(std::move(series));
  } else {  // localizers only: no scan, and not what `--series first` means
    scan.unusable.insert(scan.unusable.end(), series.excluded.begin(), series.excluded.end());
  }
}

[[noreturn]] void nothing_found(const fs::path& folder, const DicomScan& scan) {
  if (!scan.unusable.empty()) {
    const ExcludedPlane& first = scan.unusable.front();
    fail(ErrorCategory::input, "{}: no CT or MR image: {}: {}{}", folder, first.file.filename(), first.reason,
         scan.unusable.size() > 1 ? fmt::format(" (and {} files more)", scan.unusable.size() - 1) : "");
  }
  fail(ErrorCategory::input, "{}: no DICOM image among {} files", folder, scan.non_dicom_files);
}

}  // namespace

DicomScan scan_dicom(const fs::path& folder) {
  init_dicom_libraries();
  DicomScan scan;
  std::map<std::string, Found> by_uid;
  for (const fs::path& file : files_in(folder)) {
    try {
      auto header = read_dicom_header(file);
      if (!header) {
        ++scan.non_dicom_files;
        continue;
      }
      Found& found =
          by_uid.try_emplace(header->identity.series_uid, Found{header->identity, {}}).first->second;
      std::move(header->planes.begin(), header->planes.end(), std::back_inserter(found.planes));
    } catch (const Error& error) {
      scan.unusable.push_back({file, 0, without_name(error.what(), file)});
    }
  }
  for (auto& [uid, found] : by_uid) finish_series(scan, std::move(found));
  if (scan.series.empty()) nothing_found(folder, scan);
  return scan;
}

}  // namespace pillar
