// Internal: setting DICOM attributes with DCMTK, where a refusal is an error and not a return value.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

namespace pillar {

void put(DcmItem& item, const DcmTagKey& tag, const std::string& text);
void put_numbers(DcmItem& item, const DcmTagKey& tag, std::initializer_list<double> values);  // VR DS
void put_u16(DcmItem& item, const DcmTagKey& tag, int value);
void put_u32s(DcmItem& item, const DcmTagKey& tag, std::initializer_list<std::uint32_t> values);
void put_tag(DcmItem& item, const DcmTagKey& tag, const DcmTagKey& value);
DcmItem& put_item(DcmItem& parent, const DcmTagKey& sequence, long index = 0);  // made if absent

// The most exact decimal string of at most 16 characters, as VR DS demands.
std::string format_ds(double value);

}  // namespace pillar
