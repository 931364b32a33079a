// Internal: what lies at a path.
#pragma once

#include "pillar/data/scan.h"

#include <filesystem>
#include <string>

namespace pillar {

// The file or folder's name without .tar, .tar.lz4, .torch.tar and the like.
std::string bare_name(const std::filesystem::path& path);

enum class ScanKind { sample, dicom, volume_file };

// What an entry without a study is, by names alone; a folder that is no sample is taken for DICOM.
ScanKind scan_kind(const std::filesystem::path& path);

// An entry of which only the path is known, with the scan that lies there: a DICOM study with its series, the
// one volume file or sample of a folder, or the fault why it is none. What is settled already stays, and so
// does a path that does not exist.
ScanEntry settled_entry(const ScanEntry& entry);

}  // namespace pillar
