// Internal: checks an mp4 file's sample tables against its size, before a demuxer allocates what they claim.
#pragma once

#include "pillar/core/file.h"

#include <string>

namespace pillar {

// Throws Error(input) if a sample size table (stsz, stz2) counts more frames than the file has bytes.
// Anything else that is wrong with the file, or another format, is left to the demuxer.
void check_mp4_claims(ByteView file, const std::string& name);

}  // namespace pillar
