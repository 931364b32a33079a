#include "image/dicom/dicom_select.h"

#include "pillar/core/fail.h"

#include "core/shared/path_format.h"
#include "image/dicom/dicom_copies.h"
#include "image/dicom/dicom_geometry.h"
#include "image/dicom/dicom_rescale.h"
#include "image/dicom/dicom_volumes.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

namespace pillar {
namespace {

using Planes = std::vector<PlaneHeader>;
using Reason = std::optional<LeftOutReason>;

// Moves the planes for which `reason` gives one to `excluded`.
void exclude(DicomSeries& series, Planes& planes, const std::function<Reason(PlaneHeader&)>& reason) {
  Planes kept;
  for (PlaneHeader& header : planes) {
    Reason found = reason(header);
    if (found) {
      series.excluded.push_back({header.plane.file, header.plane.frame, found->kind, std::move(found->text)});
    } else {
      kept.push_back(std::move(header));
    }
  }
  planes = std::move(kept);
}

void exclude_other_images(DicomSeries& series, Planes& planes) {
  exclude(series, planes, [](const PlaneHeader& header) { return header.left_out; });
  const bool has_original = std::any_of(planes.begin(), planes.end(),
                                        [](const PlaneHeader& header) { return !header.is_derived_view; });
  series.is_derived_view = !has_original;
  if (has_original) {
    exclude(series, planes, [](const PlaneHeader& header) -> Reason {
      if (!header.is_derived_view) return std::nullopt;
      return LeftOutReason{LeftOut::derived_view, fmt::format("derived ({})", header.image_type)};
    });
  }
  std::map<LeftOut, std::size_t> counts;
  for (const ExcludedPlane& plane : series.excluded) ++counts[plane.kind];
  for (const auto& [kind, count] : counts)
    series.notes.add(fmt::format("{} {} planes are left out", count, to_string(kind)));
}

void note_what_was_mended(DicomSeries& series, const Planes& planes) {
  std::map<std::string, std::size_t> counts;
  for (const PlaneHeader& header : planes) {
    if (!header.oddity.empty()) ++counts[header.oddity];
  }
  for (const auto& [oddity, count] : counts)
    series.notes.add(fmt::format("read all the same in {} of {} planes: {}", count, planes.size(), oddity));
}

std::string difference_or_fault(const PlaneHeader& a, const PlaneHeader& b) {
  try {
    return difference_of(a, b);
  } catch (const Error& error) {
    return fmt::format("the two cannot be compared ({})", error.what());
  }
}

// The same instance stored twice, under two names. One of two with other pixels gets a fault: nobody can say
// which of them belongs to the scan. Other duplicates are an error, which load_series() finds.
void exclude_copies(DicomSeries& series, Planes& planes) {
  using Identity = std::tuple<std::string, int, std::array<double, 3>>;
  std::map<Identity, PlaneHeader> seen;
  const std::size_t before = planes.size();
  exclude(series, planes, [&](PlaneHeader& header) -> Reason {
    if (header.plane.instance_uid.empty()) return std::nullopt;
    const Identity identity{header.plane.instance_uid, header.plane.frame,
                            header.plane.position.value_or(std::array<double, 3>{})};
    const auto [first, is_new] = seen.emplace(identity, header);
    if (is_new) return std::nullopt;
    const std::string difference = difference_or_fault(first->second, header);
    if (difference.empty()) {
      return LeftOutReason{LeftOut::copy, fmt::format("copy of {}", first->second.plane.file.filename())};
    }
    header.plane.fault =
        fmt::format("has the SOPInstanceUID of {}, but {}: which of them is right cannot be told",
                    first->second.plane.file, difference);
    return std::nullopt;
  });
  if (planes.size() != before) {
    series.notes.add(fmt::format("{} planes are copies of others (same SOPInstanceUID) and left out",
                                 before - planes.size()));
  }
}

// Planes that are a volume of their own beside a larger one: fewer are scouts.
constexpr std::size_t fewest_of_a_volume = 3;

using Matrix = std::array<int, 2>;

Matrix matrix_of(const PlaneHeader& header) {
  return {header.plane.rows, header.plane.columns};
}

std::vector<PlaneGroup> groups_by_matrix(DicomSeries& series, Planes planes) {
  std::map<Matrix, Planes> by_matrix;
  for (const PlaneHeader& header : planes) by_matrix[matrix_of(header)].push_back(header);
  if (by_matrix.size() < 2) return {{"", std::move(planes)}};
  // Of equally frequent ones, the larger: a scout is smaller than the scan.
  const auto weight = [](const auto& entry) {
    return std::pair(entry.second.size(), std::int64_t{entry.first[0]} * entry.first[1]);
  };
  const auto most = std::max_element(by_matrix.begin(), by_matrix.end(),
                                     [&](const auto& a, const auto& b) { return weight(a) < weight(b); });
  const Matrix usual = most->first;
  const auto stays = [&](const Matrix& matrix) {
    return matrix == usual || by_matrix[matrix].size() >= fewest_of_a_volume;
  };
  const std::size_t before = planes.size();
  exclude(series, planes, [&](const PlaneHeader& header) -> Reason {
    if (stays(matrix_of(header))) return std::nullopt;
    return LeftOutReason{LeftOut::odd_plane,
                         fmt::format("matrix {}x{}, the series has {}x{}", header.plane.rows,
                                     header.plane.columns, usual[0], usual[1])};
  });
  if (planes.size() != before) {
    series.notes.add(fmt::format("{} of {} planes have another matrix than {}x{} and are left out",
                                 before - planes.size(), before, usual[0], usual[1]));
  }
  std::vector<PlaneGroup> groups;
  for (auto& [matrix, members] : by_matrix) {
    if (stays(matrix))
      groups.push_back({fmt::format("matrix {}x{}", matrix[0], matrix[1]), std::move(members)});
  }
  if (groups.size() == 1) groups.front().key.clear();
  return groups;
}

std::string orientation_text(const DicomPlane& plane) {
  return fmt::format("ImageOrientationPatient {:.3g}", fmt::join(plane.orientation, "\\"));
}

// Where no two planes are parallel all stay, and load_series() refuses them.
std::vector<PlaneGroup> groups_by_orientation(DicomSeries& series, PlaneGroup group) {
  std::vector<Planes> parallel;
  for (const PlaneHeader& header : group.planes) {
    auto found = std::find_if(parallel.begin(), parallel.end(), [&](const Planes& planes) {
      return same_orientation(planes.front().plane, header.plane);
    });
    if (found == parallel.end()) found = parallel.insert(parallel.end(), Planes{});
    found->push_back(header);
  }
  std::size_t largest = 0;
  for (const Planes& planes : parallel) largest = std::max(largest, planes.size());
  const auto stays = [&](const Planes& planes) {
    return planes.size() == largest || planes.size() >= fewest_of_a_volume;
  };
  std::size_t kept = 0;
  for (const Planes& planes : parallel) kept += stays(planes) ? planes.size() : 0;
  if (parallel.size() < 2 || largest == 1 || 2 * kept <= group.planes.size()) return {std::move(group)};

  std::vector<PlaneGroup> groups;
  const std::string before = group.key.empty() ? "" : group.key + ", ";
  for (Planes& planes : parallel) {
    if (stays(planes)) {
      groups.push_back({before + orientation_text(planes.front().plane), std::move(planes)});
    } else {
      exclude(series, planes, [](const PlaneHeader&) {
        return LeftOutReason{LeftOut::odd_plane, "orientation differs from the series'"};
      });
    }
  }
  if (groups.size() == 1) groups.front().key = group.key;
  if (kept != group.planes.size()) {
    series.notes.add(
        fmt::format("mixed orientations: {} of {} planes do not lie parallel to the others and are left out",
                    group.planes.size() - kept, group.planes.size()));
  }
  return groups;
}

bool has_position(const PlaneHeader& header) {
  return header.plane.position.has_value();
}

// Whether a plane that cannot be used would leave a hole among the others: nothing lies in its place, or,
// where it names none, its number is missing among theirs.
bool leaves_a_hole(const PlaneHeader& odd, const Planes& others) {
  if (odd.plane.position) {
    return std::none_of(others.begin(), others.end(), [&](const PlaneHeader& header) {
      return has_position(header) && length(minus(*header.plane.position, *odd.plane.position)) < 1e-3;
    });
  }
  if (!odd.plane.instance_number) return false;
  bool is_there = false, some_before = false, some_after = false;
  for (const PlaneHeader& header : others) {
    if (!header.plane.instance_number) return false;
    is_there = is_there || *header.plane.instance_number == *odd.plane.instance_number;
    some_before = some_before || *header.plane.instance_number < *odd.plane.instance_number;
    some_after = some_after || *header.plane.instance_number > *odd.plane.instance_number;
  }
  return !is_there && some_before && some_after;
}

// Objects that lack what the images of the series have. `others` are sound.
void exclude_lacking(DicomSeries& series, Planes& faulty, const Planes& others) {
  if (others.size() < 2) return;
  const std::size_t before = faulty.size();
  exclude(series, faulty, [&](const PlaneHeader& header) -> Reason {
    if (!header.is_lacking || leaves_a_hole(header, others)) return std::nullopt;
    return LeftOutReason{LeftOut::odd_plane, header.plane.fault};
  });
  if (faulty.size() != before) {
    series.notes.add(fmt::format("{} objects lack what the images of the series have and are left out",
                                 before - faulty.size()));
  }
}

void exclude_without_position(DicomSeries& series, Planes& planes) {
  Planes placed;
  std::copy_if(planes.begin(), planes.end(), std::back_inserter(placed), has_position);
  if (placed.size() < 2 || placed.size() == planes.size()) return;
  const std::size_t before = planes.size();
  exclude(series, planes, [&](const PlaneHeader& header) -> Reason {
    if (has_position(header) || leaves_a_hole(header, placed)) return std::nullopt;
    return LeftOutReason{LeftOut::odd_plane, "no ImagePositionPatient (0020,0032)"};
  });
  if (planes.size() != before) {
    series.notes.add(fmt::format("{} of {} planes have no ImagePositionPatient and are left out",
                                 before - planes.size(), before));
  }
}

// Planes of one matrix and one orientation to volumes.
std::vector<PlaneGroup> volumes_of(DicomSeries& series, PlaneGroup group) {
  exclude_without_position(series, group.planes);
  if (!std::all_of(group.planes.begin(), group.planes.end(), has_position)) return {std::move(group)};
  if (lie_in_one_place(group.planes)) {
    series.notes.add(fmt::format("{} images of one place are no volume", group.planes.size()));
    exclude(series, group.planes, [](const PlaneHeader&) {
      return LeftOutReason{LeftOut::one_place, "one of several images of one place over time"};
    });
    return {};
  }
  std::vector<PlaneGroup> volumes = split_volumes(std::move(group.planes));
  if (group.key.empty()) return volumes;
  for (PlaneGroup& volume : volumes) volume.key = group.key + (volume.key.empty() ? "" : ", " + volume.key);
  return volumes;
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
  const bool have_positions = std::all_of(planes.begin(), planes.end(), has_position);
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

void fill_volume(DicomSeries& volume, Planes planes) {
  if (planes.front().plane.fault.empty()) {
    order_planes(volume, planes);
    check_rescale(volume, planes);
    const auto adrift = std::count_if(planes.begin(), planes.end(),
                                      [](const auto& header) { return !header.plane.has_orientation; });
    if (adrift > 0) {
      volume.notes.add(fmt::format("{} of {} planes have no ImageOrientationPatient: taken as axial", adrift,
                                   planes.size()));
    }
  }
  volume.image_type = planes.front().image_type;
  volume.bytes_on_disk = bytes_on_disk(planes);
  for (PlaneHeader& header : planes) volume.planes.push_back(std::move(header.plane));
}

std::vector<DicomSeries> make_volumes(const DicomSeries& series, std::vector<PlaneGroup> groups) {
  std::vector<DicomSeries> volumes;
  for (PlaneGroup& group : groups) {
    DicomSeries volume = series;
    volume.volume_index = static_cast<int>(volumes.size());
    volume.volume_count = static_cast<int>(groups.size());
    volume.volume_key = group.key;
    if (!volumes.empty()) volume.excluded.clear();
    if (groups.size() > 1) {
      volume.notes.add(fmt::format("volume {} of the {} in this series: {}", volume.volume_index,
                                   groups.size(), group.key));
    }
    fill_volume(volume, std::move(group.planes));
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

// Planes that cannot be read and would be missed: of the only volume they become planes, so that what is
// wrong with them is said where the series is loaded; of several, nobody knows whose they are.
void add_faulty(std::vector<DicomSeries>& volumes, Planes faulty) {
  if (faulty.empty()) return;
  if (volumes.size() == 1) {
    for (PlaneHeader& header : faulty) volumes.front().planes.push_back(std::move(header.plane));
    return;
  }
  const DicomPlane& first = faulty.front().plane;
  for (DicomSeries& volume : volumes) volume.fault = fmt::format("{}: {}", first.file, first.fault);
}

}  // namespace

bool same_orientation(const DicomPlane& a, const DicomPlane& b) noexcept {
  constexpr double tolerance = 1e-3;
  for (std::size_t i = 0; i < 6; ++i) {
    if (std::abs(a.orientation[i] - b.orientation[i]) > tolerance) return false;
  }
  return a.has_orientation == b.has_orientation;
}

std::vector<DicomSeries> select_volumes(DicomSeries series, Planes found,
                                        std::vector<ExcludedPlane>& left_out) {
  exclude_other_images(series, found);
  note_what_was_mended(series, found);
  const auto is_sound = [](const PlaneHeader& header) { return header.plane.fault.empty(); };
  const auto take_faulty = [&](Planes& planes, Planes& faulty) {
    const auto end = std::stable_partition(planes.begin(), planes.end(), is_sound);
    faulty.insert(faulty.end(), std::make_move_iterator(end), std::make_move_iterator(planes.end()));
    planes.erase(end, planes.end());
  };
  Planes faulty;
  take_faulty(found, faulty);
  exclude_copies(series, found);
  exclude_lacking(series, faulty, found);
  take_faulty(found, faulty);

  std::vector<PlaneGroup> volumes;
  if (!found.empty()) {
    for (PlaneGroup& matrix : groups_by_matrix(series, std::move(found))) {
      for (PlaneGroup& parallel : groups_by_orientation(series, std::move(matrix))) {
        for (PlaneGroup& volume : volumes_of(series, std::move(parallel)))
          volumes.push_back(std::move(volume));
      }
    }
  }
  if (volumes.empty() && !faulty.empty()) volumes.push_back({"", std::exchange(faulty, {})});
  std::vector<DicomSeries> selected = make_volumes(series, std::move(volumes));
  if (selected.empty()) left_out.insert(left_out.end(), series.excluded.begin(), series.excluded.end());
  add_faulty(selected, std::move(faulty));
  return selected;
}

}  // namespace pillar
