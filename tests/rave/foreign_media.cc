#include "rave/foreign_media.h"

#include "rave/video/av.h"
#include "rave/video/av_log.h"
#include "rave/video/memory_io.h"

#include <stdexcept>

namespace pillar::test {
namespace {

void need(int status) {
  if (status < 0) throw std::runtime_error(av_error_text(status));
}

// Three frames of whatever `configure` asks for, zeros in all of them.
template <typename Configure, typename Shape>
Bytes encode_blank(const char* encoder, const char* container, Configure configure, Shape shape) {
  redirect_av_log();
  const AVCodec* codec = avcodec_find_encoder_by_name(encoder);
  CodecContext context(avcodec_alloc_context3(codec));
  configure(*context);
  context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  need(avcodec_open2(context.get(), codec, nullptr));
  MemoryWriter writer;
  AVFormatContext* format = nullptr;
  need(avformat_alloc_output_context2(&format, nullptr, container, nullptr));
  format->pb = writer.context();
  format->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  AVStream* stream = avformat_new_stream(format, nullptr);
  need(avcodec_parameters_from_context(stream->codecpar, context.get()));
  stream->time_base = context->time_base;
  need(avformat_write_header(format, nullptr));
  Packet packet(av_packet_alloc());
  for (int i = 0; i <= 3; ++i) {
    Frame frame(av_frame_alloc());
    shape(*context, *frame);
    frame->pts = i * std::max(1, frame->nb_samples);
    need(av_frame_get_buffer(frame.get(), 0));
    for (AVBufferRef* buffer : frame->buf) {
      if (buffer != nullptr) std::fill_n(buffer->data, buffer->size, std::uint8_t{0});
    }
    need(avcodec_send_frame(context.get(), i < 3 ? frame.get() : nullptr));
    while (avcodec_receive_packet(context.get(), packet.get()) >= 0) {
      if (packet->duration == 0) packet->duration = 1;
      av_packet_rescale_ts(packet.get(), context->time_base, stream->time_base);
      need(av_interleaved_write_frame(format, packet.get()));
    }
  }
  need(av_write_trailer(format));
  avformat_free_context(format);
  return writer.take();
}

Bytes blank_video(const char* encoder, const char* container, AVPixelFormat pixels) {
  return encode_blank(
      encoder, container,
      [pixels](AVCodecContext& context) {
        context.width = context.height = 64;
        context.pix_fmt = pixels;
        context.time_base = {1, 25};
        av_opt_set(context.priv_data, "x265-params", "log-level=none", 0);
      },
      [](const AVCodecContext& context, AVFrame& frame) {
        frame.width = frame.height = 64;
        frame.format = context.pix_fmt;
      });
}

}  // namespace

Bytes eight_bit_video() {
  return blank_video("libx265", "mp4", AV_PIX_FMT_YUV420P);
}

Bytes mjpeg_video() {
  return blank_video("mjpeg", "matroska", AV_PIX_FMT_YUVJ420P);
}

Bytes audio_only() {
  return encode_blank(
      "flac", "mp4",
      [](AVCodecContext& context) {
        context.sample_fmt = AV_SAMPLE_FMT_S16;
        context.sample_rate = 8000;
        context.time_base = {1, 8000};
        av_channel_layout_default(&context.ch_layout, 1);
      },
      [](const AVCodecContext& context, AVFrame& frame) {
        frame.nb_samples = context.frame_size;
        frame.format = context.sample_fmt;
        av_channel_layout_default(&frame.ch_layout, 1);
      });
}

}  // namespace pillar::test
