// What the lines of an NRRD header mean. Read here, because ITK's reader knows no units, mirrors the space
// left-anterior-superior about the wrong axis, and knows no other space of the patient.
#pragma once

#include "image/volume_file/text_header.h"
#include "image/volume_file/volume_file_parts.h"

namespace pillar {

// Fields by the format's definition (teem.sourceforge.net/nrrd/format.html). Throws Error(input) naming the
// file and the field where one makes no sense or an axis holds something else than places or volumes.
VolumeHeader parse_nrrd_header(const TextHeader& header, const std::filesystem::path& path, Notes& notes);

}  // namespace pillar
