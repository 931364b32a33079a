// Internal: the JSON header of a safetensors file and its dtype names.
#pragma once

#include "pillar/core/safetensors.h"

#include <string_view>

namespace pillar {

inline constexpr std::uint64_t kSafetensorsMaxHeaderBytes = 100'000'000;  // the limit of the reference reader

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

// Checks everything SafetensorsFile promises of the header; `data_size` is the number of bytes after it.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_size,
                                           const std::filesystem::path& path);

// "BF16" and so on; empty for a dtype the format has no name for.
std::string_view safetensors_dtype_name(at::ScalarType dtype);

}  // namespace pillar
