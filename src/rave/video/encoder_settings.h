// Internal: an open libavcodec encoder with the settings of each kind of stream.
#pragma once

#include "pillar/image/volume.h"
#include "pillar/rave/video.h"

#include "rave/video/av.h"
#include "rave/video/av_log.h"

namespace pillar {

// Throws Error(usage) on settings or sizes that the encoder cannot take.
CodecContext open_encoder(const SizeDhw& size_dhw, const VideoEncodeOptions& options, AvFaults& faults);

int bits_of(VideoKind kind) noexcept;  // of a code: 10, 12, 16

}  // namespace pillar
