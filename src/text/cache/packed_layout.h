// Internal: names in the packed file (docs/formats.md, "Text embeddings").
#pragma once

#include <string>

namespace pillar {

inline constexpr const char* kPackedFormat = "pillar-text-cache";
inline constexpr const char* kPackedVersion = "1";
inline constexpr const char* kFormatKey = "format";
inline constexpr const char* kVersionKey = "format_version";
inline constexpr const char* kInfoKey = "cache";          // metadata.json without text_to_path
inline const std::string kVectorsPrefix = "embeddings.";  // and a category: (N, width) F32 or BF16
inline const std::string kStudiesPrefix = "studies.";     // and a category: (N, 32) U8, sorted

}  // namespace pillar
