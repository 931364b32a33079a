#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"
#include "pillar/core/thread_pool.h"
#include "pillar/image/dicom_series.h"

#include "image/dicom/dicom_geometry.h"
#include "image/dicom/dicom_header.h"
#include "image/dicom/dicom_runtime.h"
#include "image/dicom/dicom_select.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t files_at_once = 1024;  // whose whole headers are in memory

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

// One file's header, or why there is none.
struct ReadFile {
  std::optional<FileHeader> header;
  std::string fault;
};

std::vector<ReadFile> read_headers(std::span<const fs::path> files, int threads) {
  std::vector<ReadFile> read(files.size());
  parallel_for(static_cast<std::int64_t>(files.size()), threads, [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i);
    try {
      read[index].header = read_dicom_header(files[index]);
    } catch (const Error& error) {
      read[index].fault = without_name(error.what(), files[index]);
    }
  });
  return read;
}

struct SeriesFiles {
  DicomSeries identity;
  std::vector<PlaneHeader> planes;
};

using SeriesByUid = std::map<std::pair<std::string, std::string>, SeriesFiles>;  // of series and study

// Of a file stays what its planes say; what is alike in a series is kept once.
void sort_in(const fs::path& file, ReadFile read, DicomScan& scan, SeriesByUid& by_uid) {
  if (!read.fault.empty()) {
    scan.damaged.push_back({file, std::move(read.fault)});
  } else if (!read.header) {
    scan.non_dicom.push_back(file);
  } else if (read.header->left_out) {
    scan.left_out.push_back({file, 0, read.header->left_out->kind, read.header->left_out->text});
  } else {
    const auto key = std::pair(read.header->identity.series_uid, read.header->identity.study_uid);
    SeriesFiles& found =
        by_uid.try_emplace(key, SeriesFiles{std::move(read.header->identity), {}}).first->second;
    std::move(read.header->planes.begin(), read.header->planes.end(), std::back_inserter(found.planes));
  }
}

// Series of a study that are views of others of its series.
void leave_out_derived(DicomScan& scan) {
  std::set<std::string> studies_with_original;
  for (const DicomSeries& series : scan.series) {
    if (!series.is_derived_view) studies_with_original.insert(series.study_uid);
  }
  std::vector<DicomSeries> kept;
  for (DicomSeries& series : scan.series) {
    if (!series.is_derived_view || studies_with_original.count(series.study_uid) == 0) {
      kept.push_back(std::move(series));
      continue;
    }
    for (const DicomPlane& plane : series.planes) {
      scan.left_out.push_back(
          {plane.file, plane.frame, LeftOut::derived_view,
           fmt::format("derived ({}), and its study has the original", series.image_type)});
    }
  }
  scan.series = std::move(kept);
}

[[noreturn]] void nothing_found(const fs::path& folder, const DicomScan& scan) {
  const auto others = [](std::size_t count) {
    return count > 1 ? fmt::format(" (and {} files more)", count - 1) : std::string();
  };
  const auto name_in = [&](const fs::path& file) { return file == folder ? fs::path() : file.filename(); };
  const auto named = [&](const fs::path& file, const std::string& text) {
    return name_in(file).empty() ? text : name_in(file).string() + ": " + text;
  };
  if (!scan.damaged.empty()) {
    const DamagedFile& first = scan.damaged.front();
    fail(ErrorCategory::input, "{}: no CT or MR image: {}{}", folder, named(first.file, first.fault),
         others(scan.damaged.size()));
  }
  if (!scan.left_out.empty()) {
    const ExcludedPlane& first = scan.left_out.front();
    fail(ErrorCategory::input, "{}: no CT or MR image: {}{}", folder, named(first.file, first.reason),
         others(scan.left_out.size()));
  }
  if (scan.non_dicom.empty()) fail(ErrorCategory::input, "{}: no DICOM image: no file is there", folder);
  const fs::path& first = scan.non_dicom.front();
  fail(ErrorCategory::input, "{}: no DICOM image among {} file{}: {}", folder, scan.non_dicom.size(),
       scan.non_dicom.size() == 1 ? "" : "s", named(first, looks_like(first)));
}

}  // namespace

const char* to_string(LeftOut kind) noexcept {
  switch (kind) {
    case LeftOut::localizer:
      return "localizer";
    case LeftOut::screen_capture:
      return "screen capture";
    case LeftOut::derived_view:
      return "derived view";
    case LeftOut::report:
      return "report";
    case LeftOut::document:
      return "document";
    case LeftOut::directory:
      return "directory";
    case LeftOut::other_object:
      return "other object";
    case LeftOut::copy:
      return "copy";
    case LeftOut::odd_plane:
      return "odd plane";
    case LeftOut::one_place:
      return "one place";
    case LeftOut::not_dicom:
      return "not DICOM";
    case LeftOut::own_output:
      return "own output";
  }
  return "";
}

std::string looks_like(const fs::path& file) {
  std::string start;
  try {
    const MappedFile mapped(file);
    const ByteView bytes = mapped.bytes().first(std::min<std::size_t>(mapped.bytes().size(), 24));
    start.assign(bytes.begin(), bytes.end());
  } catch (const Error& error) {
    return without_name(error.what(), file);
  }
  if (start.empty()) return "an empty file";
  if (file.extension() == ".img")
    return "no DICOM; the voxels of an Analyze or NIfTI pair (.hdr and .img), which is not read: make one "
           ".nii "
           "file of it with the tool that wrote it";
  if (start.starts_with("%PDF")) return "a PDF document";
  if (start.starts_with("\x89PNG") || start.starts_with("\xff\xd8\xff")) return "a picture";
  if (start.starts_with("PK\x03\x04")) return "a ZIP archive: unpack it first";
  if (start.starts_with("\x1f\x8b")) return "a gzip archive: unpack it first";
  return fmt::format("no DICM at byte 128 and no data set; it begins with '{}'", printable(start, 24));
}

std::string orientation_of(const DicomSeries& series) {
  if (series.planes.empty() || !series.planes.front().has_orientation) return {};
  const Vector3 normal = plane_axes(series.planes.front().orientation).normal;
  const double x = std::abs(normal[0]), y = std::abs(normal[1]), z = std::abs(normal[2]);
  if (z >= x && z >= y) return "AXIAL";
  return y >= x ? "CORONAL" : "SAGITTAL";
}

double slice_spacing_mm(const DicomSeries& series) {
  if (series.planes.empty()) return 0;
  const Vector3 normal = plane_axes(series.planes.front().orientation).normal;
  std::vector<double> places;
  for (const DicomPlane& plane : series.planes) {
    if (plane.position) places.push_back(dot(*plane.position, normal));
  }
  if (places.size() < 2) return series.planes.front().slice_spacing_mm;
  std::sort(places.begin(), places.end());
  std::vector<double> steps;
  for (std::size_t i = 1; i < places.size(); ++i) steps.push_back(places[i] - places[i - 1]);
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

DicomScan scan_dicom_files(std::vector<fs::path> files, int threads) {
  init_dicom_libraries();
  DicomScan scan;
  SeriesByUid by_uid;
  for (std::size_t begin = 0; begin < files.size(); begin += files_at_once) {
    const auto some = std::span(files).subspan(begin, std::min(files_at_once, files.size() - begin));
    std::vector<ReadFile> read = read_headers(some, threads);
    for (std::size_t i = 0; i < some.size(); ++i)
      sort_in(std::exchange(some[i], {}), std::move(read[i]), scan, by_uid);
  }
  for (auto& [uid, found] : by_uid) {
    for (DicomSeries& volume :
         select_volumes(std::move(found.identity), std::exchange(found.planes, {}), scan.left_out))
      scan.series.push_back(std::move(volume));
  }
  leave_out_derived(scan);
  return scan;
}

DicomScan scan_dicom(const fs::path& folder) {
  DicomScan scan = scan_dicom_files(files_in(folder), 1);
  if (scan.series.empty()) nothing_found(folder, scan);
  return scan;
}

}  // namespace pillar
