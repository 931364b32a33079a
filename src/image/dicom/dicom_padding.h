// Internal: the stored values that a CT writes where it reconstructed nothing.
#pragma once

#include "pillar/image/dicom_series.h"

#include <cstdint>
#include <span>

class DcmItem;

namespace pillar {

// PixelPaddingValue (0028,0120) and PixelPaddingRangeLimit (0028,0121), as signed as the pixels are whatever
// their value representation says.
void read_padding(DcmItem& dataset, DicomPlane& plane);

// Puts kAirHu where a plane's stored value is padding, or its value is one of is_padding_hu(); returns how
// many. Padding that a patient's tissue could have, too, counts only in a plane that has it in all four
// corners: some writers name 0 for a scan in which 0 is water.
template <typename Value>
std::int64_t padding_to_air(const DicomPlane& plane, std::span<const std::int32_t> stored,
                            std::span<Value> values);

}  // namespace pillar
