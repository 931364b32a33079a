extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include "pillar/core/fail.h"

#include "baselines.h"

#include <memory>

namespace pillar::bench {
namespace {

void check(int code, const char* what) {
  if (code < 0) fail(ErrorCategory::input, "decode-only baseline: {} failed ({})", what, code);
}

struct CloseInput {
  void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
};
struct FreeCodec {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};

std::int64_t drain(AVCodecContext* codec, AVFrame* frame) {
  std::int64_t frames = 0;
  while (avcodec_receive_frame(codec, frame) >= 0) ++frames;
  return frames;
}

}  // namespace

Measurement decode_only(const std::filesystem::path& video, int threads) {
  av_log_set_level(AV_LOG_QUIET);
  Measurement m;
  const double begin = now_seconds();
  AVFormatContext* opened = nullptr;
  check(avformat_open_input(&opened, video.c_str(), nullptr, nullptr), "open");
  std::unique_ptr<AVFormatContext, CloseInput> format(opened);
  const AVCodec* decoder = nullptr;
  const int stream = av_find_best_stream(format.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
  check(stream, "find stream");
  std::unique_ptr<AVCodecContext, FreeCodec> codec(avcodec_alloc_context3(decoder));
  check(avcodec_parameters_to_context(codec.get(), format->streams[stream]->codecpar), "parameters");
  codec->thread_count = threads;
  codec->thread_type = FF_THREAD_FRAME;
  check(avcodec_open2(codec.get(), decoder, nullptr), "open codec");
  std::unique_ptr<AVPacket, FreePacket> packet(av_packet_alloc());
  std::unique_ptr<AVFrame, FreeFrame> frame(av_frame_alloc());
  std::int64_t frames = 0;
  while (av_read_frame(format.get(), packet.get()) >= 0) {
    if (packet->stream_index == stream) {
      check(avcodec_send_packet(codec.get(), packet.get()), "send");
      frames += drain(codec.get(), frame.get());
    }
    av_packet_unref(packet.get());
  }
  check(avcodec_send_packet(codec.get(), nullptr), "flush");
  frames += drain(codec.get(), frame.get());
  m.seconds = now_seconds() - begin;
  m.figures = {{"frames", static_cast<double>(frames)}};
  return m;
}

}  // namespace pillar::bench
