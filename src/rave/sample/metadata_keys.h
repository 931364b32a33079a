// Internal: the sections of metadata.json.
#pragma once

#include <nlohmann/json.hpp>

namespace pillar {

using Json = nlohmann::ordered_json;  // keys stay in the file's order

namespace section {
inline constexpr const char* series = "series_info";
inline constexpr const char* processing = "processing_metadata";
inline constexpr const char* exported = "export_info";
inline constexpr const char* source = "source_data";
inline constexpr const char* identity = "identity";
}  // namespace section

}  // namespace pillar
