// Media files that are no samples, made with libavcodec: for the tests of what a reader refuses.
#pragma once

#include "pillar/core/file.h"

namespace pillar::test {

Bytes eight_bit_video();  // HEVC yuv420p in mp4
Bytes mjpeg_video();      // another codec, in Matroska
Bytes audio_only();       // FLAC in mp4

}  // namespace pillar::test
