// A path as it is written down and compared.
#pragma once

#include <filesystem>

namespace pillar {

// Absolute, without "." and "..", without a slash at its end. Links stay.
std::filesystem::path settled_path(const std::filesystem::path& path);

}  // namespace pillar
