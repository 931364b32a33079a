// Internal: the volumes that one series holds, told apart by what its planes say of themselves and by where
// they lie.
#pragma once

#include "image/dicom/dicom_header.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

class DcmItem;

namespace pillar {

// The attributes that tell volumes of a series apart, in the order in which they are asked.
struct VolumeAttribute {
  const char* name;
  std::uint16_t group;
  std::uint16_t element;
  bool always;  // another value is another volume; else only where planes of two values lie among each other
};
std::span<const VolumeAttribute> volume_attributes();

// Their values in a data set, in one text, since there is one for every plane of a batch; numbers are rounded
// to five digits, so that two spellings are one value.
std::string volume_values(DcmItem& dataset);
// In the functional groups of a frame, else in those that all frames share, else `whole_file`.
std::string volume_values(DcmItem* frame, DcmItem* shared, const std::string& whole_file);
// That of the attribute with this index; empty where there is none.
std::string_view volume_value(std::string_view values, std::size_t attribute) noexcept;

// Planes that belong together, and what tells them from the others of their series.
struct PlaneGroup {
  std::string key;  // "EchoTime 4.6"; empty where there is one group
  std::vector<PlaneHeader> planes;
};

// Splits parallel planes of one matrix that all have a position. A stack whose slices were taken in two
// passes stays one: its planes lie as far apart as its header says.
std::vector<PlaneGroup> split_volumes(std::vector<PlaneHeader> planes);

// Whether all three planes or more lie in one place.
bool lie_in_one_place(const std::vector<PlaneHeader>& planes);

}  // namespace pillar
