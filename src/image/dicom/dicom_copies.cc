#include "image/dicom/dicom_copies.h"

#include "image/dicom/dicom_pixels.h"
#include "image/dicom/dicom_select.h"

namespace pillar {

std::string difference_of(const PlaneHeader& a, const PlaneHeader& b) {
  const DicomPlane& one = a.plane;
  const DicomPlane& other = b.plane;
  if (one.rows != other.rows || one.columns != other.columns) return "another matrix";
  if (one.rescale_slope != other.rescale_slope || one.rescale_intercept != other.rescale_intercept)
    return "another rescale slope or intercept";
  if (!same_orientation(one, other) || one.pixel_spacing_rc_mm != other.pixel_spacing_rc_mm)
    return "another orientation or pixel spacing";
  DicomPixels first(one.file);
  DicomPixels second(other.file);
  return first.read(one.frame) == second.read(other.frame) ? "" : "other pixels";
}

}  // namespace pillar
