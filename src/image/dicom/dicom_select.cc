#include "image/dicom/dicom_select.h"

#include "pillar/core/fail.h"

#include "core/shared/path_format.h"
#include "image/dicom/dicom_geometry.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

namespace pillar {
namespace {

using Planes = std::vector<PlaneHeader>;

// Moves the planes for which `reason` gives a text to `excluded`.
void exclude(DicomSeries& series, Planes& planes,
             const std::function<std::string(const PlaneHeader&)>& reason) {
  Planes kept;
  for (PlaneHeader& header : planes) {
    std::string text = reason(header);
    if (text.empty()) {
      kept.push_back(std::move(header));
    } else {
      series.excluded.push_back({header.plane.file, header.plane.frame, std::move(text)});
    }
  }
  planes = std::move(kept);
}

// The same instance stored twice, under two names. Other duplicates are an error, which load_series() finds.
void exclude_copies(DicomSeries& series, Planes& planes) {
  using Identity = std::tuple<std::string, int, std::array<double, 3>>;
  std::map<Identity, std::filesystem::path> seen;
  const std::size_t before = planes.size();
  exclude(series, planes, [&](const PlaneHeader& header) -> std::string {
    if (header.instance_uid.empty()) return "";
    const Identity identity{header.instance_uid, header.plane.frame,
                            header.plane.position.value_or(std::array<double, 3>{})};
    const auto [first, is_new] = seen.emplace(identity, header.plane.file);
    return is_new ? "" : fmt::format("copy of {}", first->second.filename());
  });
  if (planes.size() != before) {
    series.notes.add(fmt::format("{} planes are copies of others (same SOPInstanceUID) and left out",
                                 before - planes.size()));
  }
}

void keep_common_matrix(DicomSeries& series, Planes& planes) {
  const auto size = [](const PlaneHeader& header) {
    return std::array<int, 2>{header.plane.rows, header.plane.columns};
  };
  std::map<std::array<int, 2>, std::int64_t> counts;
  for (const PlaneHeader& header : planes) ++counts[size(header)];
  if (counts.size() < 2) return;
  // Of equally frequent ones, the larger: a scout is smaller than the scan.
  const auto most = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
                      const auto key = [](const auto& entry) {
                        return std::pair(entry.second, std::int64_t{entry.first[0]} * entry.first[1]);
                      };
                      return key(a) < key(b);
                    })->first;
  const std::size_t before = planes.size();
  exclude(series, planes, [&](const PlaneHeader& header) -> std::string {
    if (size(header) == most) return "";
    return fmt::format("matrix {}x{}, the series has {}x{}", header.plane.rows, header.plane.columns, most[0],
                       most[1]);
  });
  series.notes.add(fmt::format("{} of {} planes have another matrix than {}x{} and are left out",
                               before - planes.size(), before, most[0], most[1]));
}

// Without a majority all stay, and load_series() refuses them.
void keep_common_orientation(DicomSeries& series, Planes& planes) {
  std::vector<std::pair<DicomPlane, std::size_t>> groups;
  for (const PlaneHeader& header : planes) {
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& g) { return same_orientation(g.first, header.plane); });
    if (group == groups.end()) group = groups.insert(groups.end(), {header.plane, 0});
    ++group->second;
  }
  if (groups.size() < 2) return;
  const auto most = std::max_element(groups.begin(), groups.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  const std::size_t before = planes.size();
  if (most->second * 2 <= before) return;
  exclude(series, planes, [&](const PlaneHeader& header) -> std::string {
    return same_orientation(most->first, header.plane) ? "" : "orientation differs from the series'";
  });
  series.notes.add(
      fmt::format("mixed orientations: {} of {} planes do not lie parallel to the others and are left out",
                  before - planes.size(), before));
}

std::vector<double> along_normal(const Planes& planes) {
  const PlaneAxes axes = plane_axes(planes.front().plane.orientation);
  std::vector<double> places;
  for (const PlaneHeader& header : planes) places.push_back(dot(*header.plane.position, axes.normal));
  return places;
}

bool is_monotonic(const std::vector<double>& places) {
  return std::is_sorted(places.begin(), places.end()) || std::is_sorted(places.rbegin(), places.rend());
}

// By InstanceNumber; by place along the normal where numbers are missing, repeated, or jump to and fro in
// space.
void order_planes(DicomSeries& series, Planes& planes) {
  std::set<std::int64_t> numbers;
  for (const PlaneHeader& header : planes) {
    if (header.plane.instance_number) numbers.insert(*header.plane.instance_number);
  }
  const bool have_positions = std::all_of(
      planes.begin(), planes.end(), [](const auto& header) { return header.plane.position.has_value(); });
  std::string reason;
  if (numbers.size() == planes.size()) {
    std::sort(planes.begin(), planes.end(), [](const auto& a, const auto& b) {
      return *a.plane.instance_number < *b.plane.instance_number;
    });
    if (!have_positions || is_monotonic(along_normal(planes))) return;
    reason = "InstanceNumber does not follow the positions";
  } else {
    reason = "InstanceNumber is missing or not unique";
  }
  if (!have_positions) return;  // no order at all: load_series() refuses the plane without a position
  std::vector<std::pair<double, std::size_t>> places;
  for (double place : along_normal(planes)) places.emplace_back(place, places.size());
  std::sort(places.begin(), places.end());
  Planes ordered;
  for (const auto& [place, index] : places) ordered.push_back(std::move(planes[index]));
  planes = std::move(ordered);
  series.notes.add(reason + ": planes are ordered by position");
}

void note_oddities(DicomSeries& series, const Planes& planes) {
  const auto count = [&](auto&& predicate) { return std::count_if(planes.begin(), planes.end(), predicate); };
  if (series.modality == Modality::ct) {
    const auto bare = count([](const PlaneHeader& header) { return !header.has_rescale; });
    if (bare > 0) {
      series.notes.add(
          fmt::format("{} of {} CT planes have no rescale slope and intercept: stored values are taken as HU",
                      bare, planes.size()));
    }
  }
  const auto adrift = count([](const PlaneHeader& header) { return !header.plane.has_orientation; });
  if (adrift > 0) {
    series.notes.add(fmt::format("{} of {} planes have no ImageOrientationPatient: taken as axial", adrift,
                                 planes.size()));
  }
}

std::uint64_t bytes_on_disk(const Planes& planes) {
  std::set<std::filesystem::path> files;
  for (const PlaneHeader& header : planes) files.insert(header.plane.file);
  std::uint64_t bytes = 0;
  for (const auto& file : files) {
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(file, error);
    if (!error) bytes += size;
  }
  return bytes;
}

}  // namespace

bool same_orientation(const DicomPlane& a, const DicomPlane& b) noexcept {
  constexpr double tolerance = 1e-3;
  for (std::size_t i = 0; i < 6; ++i) {
    if (std::abs(a.orientation[i] - b.orientation[i]) > tolerance) return false;
  }
  return a.has_orientation == b.has_orientation;
}

void select_planes(DicomSeries& series, std::vector<PlaneHeader> found) {
  exclude(series, found, [](const PlaneHeader& header) { return header.is_localizer ? "localizer" : ""; });
  if (!series.excluded.empty()) {
    series.notes.add(fmt::format("{} localizer planes are left out", series.excluded.size()));
  }
  const auto sound_end = std::stable_partition(
      found.begin(), found.end(), [](const PlaneHeader& header) { return header.plane.fault.empty(); });
  Planes faulty(std::make_move_iterator(sound_end), std::make_move_iterator(found.end()));
  found.erase(sound_end, found.end());
  if (!found.empty()) {
    exclude_copies(series, found);
    keep_common_matrix(series, found);
    keep_common_orientation(series, found);
    order_planes(series, found);
    note_oddities(series, found);
  }
  found.insert(found.end(), std::make_move_iterator(faulty.begin()), std::make_move_iterator(faulty.end()));
  series.bytes_on_disk = bytes_on_disk(found);
  for (PlaneHeader& header : found) series.planes.push_back(std::move(header.plane));
}

}  // namespace pillar
