// Internal: libav's C headers and owning pointers to its objects.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

#include <memory>

namespace pillar {

struct AvDeleter {
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
  void operator()(AVFrame* p) const { av_frame_free(&p); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
};

using CodecContext = std::unique_ptr<AVCodecContext, AvDeleter>;
using Frame = std::unique_ptr<AVFrame, AvDeleter>;
using Packet = std::unique_ptr<AVPacket, AvDeleter>;

}  // namespace pillar
