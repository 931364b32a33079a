#include "image/dicom/dicom_rescale.h"

#include "pillar/core/printable.h"

#include "core/shared/path_format.h"

#include <algorithm>
#include <map>

namespace pillar {
namespace {

bool changes_values(const PlaneHeader& header) {
  return header.has_rescale && (header.plane.rescale_slope != 1 || header.plane.rescale_intercept != 0);
}

std::string rescale_gap(const std::vector<PlaneHeader>& planes) {
  const auto bare = std::find_if(planes.begin(), planes.end(),
                                 [](const PlaneHeader& header) { return !header.has_rescale; });
  const auto other = std::find_if(planes.begin(), planes.end(), changes_values);
  if (bare == planes.end() || other == planes.end()) return {};
  const auto count = std::count_if(planes.begin(), planes.end(),
                                   [](const PlaneHeader& header) { return !header.has_rescale; });
  return fmt::format(
      "{}: no RescaleSlope and RescaleIntercept in {} of {} planes, but slope {} and intercept {} in {}: "
      "their "
      "values would not fit together",
      bare->plane.file, count, planes.size(), other->plane.rescale_slope, other->plane.rescale_intercept,
      other->plane.file.filename());
}

// "US" is unspecified, HU_MOD is HU after a correction: both are taken as HU where no plane says otherwise.
std::string rescale_types(const std::vector<PlaneHeader>& planes, Notes& notes) {
  std::map<std::string, std::size_t> counts;
  for (const PlaneHeader& header : planes) {
    const std::string& type = header.rescale_type;
    if (!type.empty()) ++counts[type];
    if (!type.empty() && type != "HU" && type != "US" && type != "HU_MOD") {
      return fmt::format("{}: RescaleType (0028,1054) is '{}', not HU: no CT values that a model could take",
                         header.plane.file, printable(type, 32));
    }
    if (counts.size() > 1) {
      return fmt::format("{}: RescaleType (0028,1054) is {}, and {} in other planes", header.plane.file, type,
                         counts.begin()->first == type ? counts.rbegin()->first : counts.begin()->first);
    }
  }
  if (!counts.empty() && counts.begin()->first != "HU")
    notes.add(fmt::format("RescaleType is {}: taken as HU", counts.begin()->first));
  return {};
}

}  // namespace

void check_rescale(DicomSeries& volume, const std::vector<PlaneHeader>& planes) {
  volume.fault = rescale_gap(planes);
  if (volume.modality != Modality::ct || !volume.fault.empty()) return;
  volume.fault = rescale_types(planes, volume.notes);
  const auto bare = std::count_if(planes.begin(), planes.end(),
                                  [](const PlaneHeader& header) { return !header.has_rescale; });
  if (bare > 0) {
    volume.notes.add(
        fmt::format("{} of {} CT planes have no rescale slope and intercept: stored values are taken as HU",
                    bare, planes.size()));
  }
}

}  // namespace pillar
