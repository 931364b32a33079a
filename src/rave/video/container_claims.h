// Internal: checks what a container claims against its size, before a demuxer allocates it or reads on past
// the end.
#pragma once

#include "pillar/core/file.h"

#include <string>

namespace pillar {

// Throws Error(input) if an mp4 file's boxes or a Matroska file's segment go on past the end of the file, or
// a sample size table (stsz, stz2) counts more frames than the file has bytes. Other faults and formats are
// left to the demuxer.
void check_container_claims(ByteView file, const std::string& name);

}  // namespace pillar
