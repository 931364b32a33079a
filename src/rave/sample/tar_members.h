// Internal: a sample's members inside a tar archive in memory.
#pragma once

#include "rave/sample/sample_members.h"

#include <filesystem>

namespace pillar {

// Adds volume and metadata as views of `archive` (no copy; a copy only where libarchive has to make one).
// Other members are ignored. Throws Error(input): truncated or no tar, links, devices, absolute paths or
// "..", sparse members.
void list_tar(ByteView archive, const std::filesystem::path& path, SampleMembers& members);

}  // namespace pillar
