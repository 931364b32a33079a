#include "image/dicom/dicom_volumes.h"

#include "image/dicom/dicom_attributes.h"
#include "image/dicom/dicom_geometry.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace pillar {
namespace {

using HeaderList = std::vector<PlaneHeader>;

constexpr double one_place_mm = 1e-3;
constexpr char end_of_value = '\x1f';  // in no value: as_utf8() leaves no control characters

// Enhanced files have attributes of their own for some of these (PS3.3, C.7.6.16.2 and C.8.13 to C.8.15).
constexpr VolumeAttribute attributes[] = {
    {"StackID", 0x0020, 0x9056, true},
    {"TemporalPositionIdentifier", 0x0020, 0x0100, true},
    {"TemporalPositionIndex", 0x0020, 0x9128, true},
    {"NominalPercentageOfCardiacPhase", 0x0020, 0x9241, true},
    {"EchoNumbers", 0x0018, 0x0086, true},
    {"EchoTime", 0x0018, 0x0081, true},
    {"EffectiveEchoTime", 0x0018, 0x9082, true},
    {"InversionTime", 0x0018, 0x0082, true},
    {"DiffusionBValue", 0x0018, 0x9087, true},
    {"ConvolutionKernel", 0x0018, 0x1210, true},
    {"KVP", 0x0018, 0x0060, true},
    {"AcquisitionNumber", 0x0020, 0x0012, false},
    {"FrameAcquisitionNumber", 0x0020, 0x9156, false},
    {"ImageType", 0x0008, 0x0008, false},
    {"FrameType", 0x0008, 0x9007, false},
    {"FlipAngle", 0x0018, 0x1314, false},
    {"DiffusionGradientOrientation", 0x0018, 0x9089, false},
    {"ScanOptions", 0x0018, 0x0022, false},
    {"ReconstructionDiameter", 0x0018, 0x1100, false},
    {"SeriesDescription", 0x0008, 0x103e, false},
    {"FrameOfReferenceUID", 0x0020, 0x0052, false},
    {"TriggerTime", 0x0018, 0x1060, false},
    {"AcquisitionDateTime", 0x0008, 0x002a, false},
    {"FrameAcquisitionDateTime", 0x0018, 0x9074, false},
    {"AcquisitionTime", 0x0008, 0x0032, false},
    {"SeriesTime", 0x0008, 0x0031, false},
    {"ContentTime", 0x0008, 0x0033, false},
};

std::string plain_value(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && text.size() < 12)
    return fmt::format("{:.5g}", number);
  return as_utf8(text);
}

std::string value_of(DcmItem& item, const VolumeAttribute& attribute) {
  std::string ignored;
  return plain_value(
      AttributeReader(item, ignored).text(DcmTagKey(attribute.group, attribute.element)).substr(0, 64));
}

// In any of the groups that a frame, or all frames, have.
std::string value_in_groups(DcmItem* groups, const VolumeAttribute& attribute) {
  if (groups == nullptr) return {};
  for (DcmObject* object = groups->nextInContainer(nullptr); object != nullptr;
       object = groups->nextInContainer(object)) {
    auto* sequence = dynamic_cast<DcmSequenceOfItems*>(object);
    if (sequence == nullptr || sequence->card() == 0) continue;
    std::string value = value_of(*sequence->getItem(0), attribute);
    if (!value.empty()) return value;
  }
  return {};
}

// Where planes lie along their common normal, ascending.
std::vector<double> places_along_normal(const HeaderList& planes) {
  const Vector3 normal = plane_axes(planes.front().plane.orientation).normal;
  std::vector<double> places;
  for (const PlaneHeader& header : planes) places.push_back(dot(*header.plane.position, normal));
  std::sort(places.begin(), places.end());
  return places;
}

std::vector<double> steps_between(const std::vector<double>& places) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < places.size(); ++i) steps.push_back(places[i] - places[i - 1]);
  std::sort(steps.begin(), steps.end());
  return steps;
}

// Evenly spaced by just what the header says: one stack, in however many passes it was taken.
bool is_one_stack(const HeaderList& planes) {
  const std::vector<double> steps = steps_between(places_along_normal(planes));
  const double said = planes.front().plane.slice_spacing_mm;
  return said > 0 && steps.front() > 0.9 * said && steps.back() < 1.1 * said;
}

bool has_duplicates(const HeaderList& planes) {
  const std::vector<double> steps = steps_between(places_along_normal(planes));
  return !steps.empty() && steps.front() <= one_place_mm;
}

// Whether the groups' extents along the normal reach into each other by more than half a slice of the whole.
bool lie_among_each_other(const HeaderList& planes, const std::vector<HeaderList>& groups) {
  std::vector<std::pair<double, double>> extents;
  const Vector3 normal = plane_axes(planes.front().plane.orientation).normal;
  for (const HeaderList& group : groups) {
    std::pair<double, double> extent = {INFINITY, -INFINITY};
    for (const PlaneHeader& header : group) {
      const double place = dot(*header.plane.position, normal);
      extent = {std::min(extent.first, place), std::max(extent.second, place)};
    }
    extents.push_back(extent);
  }
  std::sort(extents.begin(), extents.end());
  const std::vector<double> steps = steps_between(places_along_normal(planes));
  const double half = 0.5 * steps[steps.size() / 2];
  double reach = extents.front().second;
  for (std::size_t i = 1; i < extents.size(); ++i) {
    if (reach - extents[i].first > half + one_place_mm) return true;
    reach = std::max(reach, extents[i].second);
  }
  return false;
}

// By the value of one attribute. Nothing where a plane has none, all have the same, or a group would be a
// single plane.
std::optional<std::vector<PlaneGroup>> groups_by(const HeaderList& planes, std::size_t attribute) {
  std::map<std::string, std::vector<std::size_t>> by_value;
  for (std::size_t i = 0; i < planes.size(); ++i) {
    const std::string_view value = volume_value(planes[i].volume_values, attribute);
    if (value.empty()) return std::nullopt;
    by_value[std::string(value)].push_back(i);
  }
  if (by_value.size() < 2) return std::nullopt;
  std::vector<PlaneGroup> groups;
  for (const auto& [value, members] : by_value) {
    if (members.size() < 2) return std::nullopt;
    PlaneGroup& group = groups.emplace_back();
    group.key = fmt::format("{} {}", attributes[attribute].name, value);
    for (std::size_t member : members) group.planes.push_back(planes[member]);
  }
  return groups;
}

std::vector<HeaderList> members_of(const std::vector<PlaneGroup>& groups) {
  std::vector<HeaderList> members;
  for (const PlaneGroup& group : groups) members.push_back(group.planes);
  return members;
}

// Runs of InstanceNumber that go through space one after the other, where nothing else tells them apart.
std::optional<std::vector<PlaneGroup>> groups_by_runs(HeaderList planes) {
  if (planes.size() < 4) return std::nullopt;
  const auto number = [](const PlaneHeader& header) { return header.plane.instance_number; };
  std::stable_sort(planes.begin(), planes.end(),
                   [&](const auto& a, const auto& b) { return number(a) < number(b); });
  if (!number(planes.front())) return std::nullopt;
  const Vector3 normal = plane_axes(planes.front().plane.orientation).normal;
  std::vector<double> steps;
  for (std::size_t i = 1; i < planes.size(); ++i) {
    if (number(planes[i]) == number(planes[i - 1])) return std::nullopt;
    steps.push_back(dot(minus(*planes[i].plane.position, *planes[i - 1].plane.position), normal));
  }
  const auto up = std::count_if(steps.begin(), steps.end(), [](double step) { return step > one_place_mm; });
  const double direction = 2 * up >= static_cast<std::ptrdiff_t>(steps.size()) ? 1 : -1;
  std::vector<PlaneGroup> groups = {{"InstanceNumber's run 1", {planes.front()}}};
  for (std::size_t i = 1; i < planes.size(); ++i) {
    if (direction * steps[i - 1] <= one_place_mm)
      groups.push_back({fmt::format("InstanceNumber's run {}", groups.size() + 1), {}});
    groups.back().planes.push_back(planes[i]);
  }
  const bool single = std::any_of(groups.begin(), groups.end(),
                                  [](const PlaneGroup& group) { return group.planes.size() < 2; });
  if (groups.size() < 2 || single) return std::nullopt;
  return groups;
}

void split_further(PlaneGroup group, std::vector<PlaneGroup>& done);

void take_apart(const std::string& key, std::vector<PlaneGroup> parts, std::vector<PlaneGroup>& done) {
  for (PlaneGroup& part : parts) {
    if (!key.empty()) part.key = key + ", " + part.key;
    split_further(std::move(part), done);
  }
}

void split_further(PlaneGroup group, std::vector<PlaneGroup>& done) {
  const bool may_be_several =
      group.planes.size() >= 4 && (has_duplicates(group.planes) || !is_one_stack(group.planes));
  for (std::size_t i = 0; i < std::size(attributes) && group.planes.size() >= 4; ++i) {
    if (!attributes[i].always && !may_be_several) continue;
    auto parts = groups_by(group.planes, i);
    if (!parts) continue;
    if (attributes[i].always || lie_among_each_other(group.planes, members_of(*parts)))
      return take_apart(group.key, std::move(*parts), done);
  }
  if (may_be_several) {
    auto runs = groups_by_runs(group.planes);
    if (runs && lie_among_each_other(group.planes, members_of(*runs)))
      return take_apart(group.key, std::move(*runs), done);
  }
  done.push_back(std::move(group));
}

}  // namespace

std::span<const VolumeAttribute> volume_attributes() {
  return attributes;
}

std::string volume_values(DcmItem& dataset) {
  std::string values;
  for (const VolumeAttribute& attribute : attributes) values += value_of(dataset, attribute) + end_of_value;
  return values;
}

std::string volume_values(DcmItem* frame, DcmItem* shared, const std::string& whole_file) {
  std::string values;
  for (std::size_t i = 0; i < std::size(attributes); ++i) {
    std::string value = value_in_groups(frame, attributes[i]);
    if (value.empty()) value = value_in_groups(shared, attributes[i]);
    if (value.empty()) value = volume_value(whole_file, i);
    values += value + end_of_value;
  }
  return values;
}

std::string_view volume_value(std::string_view values, std::size_t attribute) noexcept {
  for (; attribute > 0 && !values.empty(); --attribute) values.remove_prefix(values.find(end_of_value) + 1);
  return values.substr(0, values.find(end_of_value));
}

std::vector<PlaneGroup> split_volumes(HeaderList planes) {
  std::vector<PlaneGroup> done;
  split_further({"", std::move(planes)}, done);
  const auto first_number = [](const PlaneGroup& group) {
    std::optional<std::int64_t> least;
    for (const PlaneHeader& header : group.planes) {
      const auto number = header.plane.instance_number;
      if (number && (!least || *number < *least)) least = number;
    }
    return least;
  };
  std::stable_sort(done.begin(), done.end(), [&](const auto& a, const auto& b) {
    return std::pair(first_number(a), a.key) < std::pair(first_number(b), b.key);
  });
  return done;
}

bool lie_in_one_place(const HeaderList& planes) {
  if (planes.size() < 3) return false;
  const std::vector<double> places = places_along_normal(planes);
  return places.back() - places.front() <= one_place_mm;
}

}  // namespace pillar
