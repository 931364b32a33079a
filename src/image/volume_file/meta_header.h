// What the lines of a MetaImage header mean. Read here, because ITK's reader writes what it finds wrong to
// the terminal, past every log.
#pragma once

#include "image/volume_file/text_header.h"
#include "image/volume_file/volume_file_parts.h"

namespace pillar {

// Fields by the format's description (MetaIO/Documentation in ITK's documents), as ITK takes them: the rows
// of the matrix are the axes, MET_LONG has four bytes. Throws Error(input) naming the file and the field
// where one makes no sense or a voxel holds something else than one number.
VolumeHeader parse_meta_header(const TextHeader& header, const std::filesystem::path& path, Notes& notes);

}  // namespace pillar
