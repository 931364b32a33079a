// Internal: text in DICOM's character sets to UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace pillar {

// Text that changes its character set on the way, by escape sequences (ISO 2022; PS3.3, C.12.1.1.2).
// `character_sets` is SpecificCharacterSet (0008,0005). Bytes that are none of their set's become '?'.
std::string iso_2022_as_utf8(std::string_view text, std::string_view character_sets);

}  // namespace pillar
