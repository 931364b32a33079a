// Internal: what a path holds, told by names alone.
#pragma once

#include <filesystem>
#include <string>

namespace pillar {

enum class ScanKind { sample, dicom, volume_file };
ScanKind scan_kind(const std::filesystem::path& path);

// The file or folder's name without .tar, .tar.lz4, .torch.tar and the like.
std::string bare_name(const std::filesystem::path& path);

}  // namespace pillar
