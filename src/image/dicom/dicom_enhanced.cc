#include "pillar/core/fail.h"

#include "image/dicom/dicom_attributes.h"
#include "image/dicom/dicom_header.h"
#include "image/dicom/dicom_volumes.h"

namespace pillar {
namespace {

// The group that a frame has of its own, else the one that all frames share.
DcmItem* group(DcmItem* frame, DcmItem* shared, const DcmTagKey& sequence) {
  DcmItem* own = first_item(frame, sequence);
  return own != nullptr ? own : first_item(shared, sequence);
}

std::string frame_type(DcmItem* frame, DcmItem* shared) {
  for (const DcmTagKey& sequence : {DCM_CTImageFrameTypeSequence, DCM_MRImageFrameTypeSequence}) {
    DcmItem* item = group(frame, shared, sequence);
    std::string ignored;
    if (item == nullptr) continue;
    std::string type = AttributeReader(*item, ignored).text(DCM_FrameType);
    if (!type.empty()) return type;
  }
  return {};
}

PlaneHeader frame_plane(DcmItem* frame, DcmItem* shared, PlaneHeader header, int index) {
  DicomPlane& plane = header.plane;
  plane.frame = index;
  plane.instance_number = index + 1;
  if (DcmItem* content = first_item(frame, DCM_FrameContentSequence)) {
    std::string ignored;  // the frame's own place serves as well
    if (const auto place = AttributeReader(*content, ignored).u32(DCM_InStackPositionNumber))
      plane.instance_number = *place;
  }
  read_position(group(frame, shared, DCM_PlanePositionSequence), header);
  read_orientation(group(frame, shared, DCM_PlaneOrientationSequence), header);
  if (!read_measures(group(frame, shared, DCM_PixelMeasuresSequence), header) && plane.fault.empty()) {
    plane.fault = "no PixelSpacing (0028,0030) in PixelMeasuresSequence";
    header.is_lacking = true;
  }
  read_rescale(group(frame, shared, DCM_PixelValueTransformationSequence), header);
  const std::string type = frame_type(frame, shared);
  if (!type.empty()) header.image_type = type;
  if (is_localizer(type)) header.left_out = {LeftOut::localizer, "localizer"};
  header.is_derived_view = is_derived_view(header.image_type);
  header.volume_values = volume_values(frame, shared, header.volume_values);
  return header;
}

}  // namespace

std::vector<PlaneHeader> enhanced_planes(DcmItem& dataset, const PlaneHeader& whole_file) {
  std::string fault;
  const std::int64_t frames = AttributeReader(dataset, fault).integer(DCM_NumberOfFrames).value_or(0);
  static_cast<void>(functional_groups_of(dataset, DCM_SharedFunctionalGroupsSequence));
  DcmItem* shared = first_item(&dataset, DCM_SharedFunctionalGroupsSequence);
  DcmSequenceOfItems* sequence = functional_groups_of(dataset, DCM_PerFrameFunctionalGroupsSequence);
  std::vector<PlaneHeader> planes;
  if (sequence != nullptr) {
    // Step by step: asking for item i of a linked list would take a frame's time squared.
    for (DcmObject* item = sequence->nextInContainer(nullptr); item != nullptr;
         item = sequence->nextInContainer(item)) {
      planes.push_back(
          frame_plane(static_cast<DcmItem*>(item), shared, whole_file, static_cast<int>(planes.size())));
    }
  }
  if (static_cast<std::int64_t>(planes.size()) != frames || planes.empty()) {
    fail(ErrorCategory::input, "{}: NumberOfFrames is {}, but there are {} per-frame functional groups",
         whole_file.plane.file, frames, planes.size());
  }
  return planes;
}

}  // namespace pillar
