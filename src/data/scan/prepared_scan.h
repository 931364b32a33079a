// Internal: what a DICOM series and a volume file have in common on their way to a Scan.
#pragma once

#include "pillar/data/scan.h"
#include "pillar/image/prepare.h"

#include <filesystem>
#include <string>

namespace pillar {

// As the options say, with the values judged; what messages are about is `path`.
PrepareOptions preparing(const ScanReadOptions& options, const std::filesystem::path& path);

Scan scan_of_prepared(PreparedVolume prepared, const std::string& name);

// The name that an entry gives, else the scan's own.
std::string chosen_name(const ScanEntry& entry, const std::string& own);

}  // namespace pillar
