#include "rave/video/video_encode.h"

#include "pillar/core/fail.h"

#include "rave/video/av.h"
#include "rave/video/encoder_settings.h"
#include "rave/video/memory_io.h"

#include <algorithm>
#include <cstring>

namespace pillar {
namespace {

constexpr std::uint16_t kNeutralChroma = 512;

// A muxer with one video stream, writing into memory.
class VideoOutput {
 public:
  VideoOutput(const AVCodecContext& codec, const char* container) {
    if (avformat_alloc_output_context2(&format_, nullptr, container, nullptr) < 0) throw std::bad_alloc();
    format_->pb = writer_.context();
    format_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;  // no versions, no random identifiers
    stream_ = avformat_new_stream(format_, nullptr);
    if (stream_ == nullptr || avcodec_parameters_from_context(stream_->codecpar, &codec) < 0) {
      avformat_free_context(format_);
      throw std::bad_alloc();
    }
    stream_->time_base = codec.time_base;
    stream_->avg_frame_rate = codec.framerate;
  }
  ~VideoOutput() { avformat_free_context(format_); }
  VideoOutput(const VideoOutput&) = delete;
  VideoOutput& operator=(const VideoOutput&) = delete;

  void begin() { check(avformat_write_header(format_, nullptr)); }

  void write(AVPacket& packet, AVRational time_base) {
    packet.duration = 1;
    packet.stream_index = stream_->index;
    av_packet_rescale_ts(&packet, time_base, stream_->time_base);
    check(av_interleaved_write_frame(format_, &packet));
  }

  Bytes finish() {
    check(av_write_trailer(format_));
    return writer_.take();
  }

 private:
  static void check(int status) {
    if (status == AVERROR(ENOMEM)) throw std::bad_alloc();
    if (status < 0)
      fail(ErrorCategory::unsupported, "cannot write the video's container: {}", av_error_text(status));
  }

  MemoryWriter writer_;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
};

void check_encoded(int status, const AvFaults& faults) {
  if (status >= 0) return;
  fail(ErrorCategory::unsupported, "the encoder failed: {}",
       faults.first().empty() ? av_error_text(status) : faults.first());
}

// Hands the encoder a frame (none: the end) and the muxer whatever packets are ready.
void encode_frame(AVCodecContext& codec, const AVFrame* frame, AVPacket& packet, VideoOutput& output,
                  const AvFaults& faults) {
  check_encoded(avcodec_send_frame(&codec, frame), faults);
  while (true) {
    int status = avcodec_receive_packet(&codec, &packet);
    if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return;
    check_encoded(status, faults);
    output.write(packet, codec.time_base);
  }
}

void fill_luma(AVFrame& frame, const std::vector<std::uint16_t>& codes) {
  const auto width = static_cast<std::size_t>(frame.width);
  for (std::size_t y = 0; y < static_cast<std::size_t>(frame.height); ++y) {
    std::memcpy(frame.data[0] + static_cast<std::ptrdiff_t>(y) * frame.linesize[0], codes.data() + y * width,
                2 * width);
  }
}

void fill_chroma(AVFrame& frame) {
  for (int plane : {1, 2}) {
    if (frame.data[plane] == nullptr) continue;
    for (int y = 0; y < (frame.height + 1) / 2; ++y) {
      auto* row = reinterpret_cast<std::uint16_t*>(frame.data[plane] +
                                                   static_cast<std::ptrdiff_t>(y) * frame.linesize[plane]);
      std::fill_n(row, (frame.width + 1) / 2, kNeutralChroma);
    }
  }
}

void check_codes(const std::vector<std::uint16_t>& codes, VideoKind kind, std::int64_t slice) {
  std::uint32_t seen = 0;
  for (std::uint16_t code : codes) seen |= code;
  if ((seen >> bits_of(kind)) != 0) {
    fail(ErrorCategory::usage, "slice {} holds codes of more than {} bits", slice, bits_of(kind));
  }
}

}  // namespace

Bytes encode_slices(const SizeDhw& size_dhw, const VideoEncodeOptions& options, const SliceFill& fill) {
  AvFaults faults;
  CodecContext codec = open_encoder(size_dhw, options, faults);
  VideoOutput output(*codec, options.kind == VideoKind::gray16 ? "matroska" : "mp4");
  output.begin();
  Packet packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  std::vector<std::uint16_t> codes(static_cast<std::size_t>(size_dhw[1] * size_dhw[2]));
  for (std::int64_t slice = 0; slice < size_dhw[0]; ++slice) {
    fill(slice, codes.data());
    check_codes(codes, options.kind, slice);
    Frame frame(av_frame_alloc());
    if (!frame) throw std::bad_alloc();
    frame->format = codec->pix_fmt;
    frame->width = codec->width;
    frame->height = codec->height;
    frame->color_range = codec->color_range;
    frame->pts = slice;
    if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
    fill_luma(*frame, codes);
    fill_chroma(*frame);
    encode_frame(*codec, frame.get(), *packet, output, faults);
  }
  encode_frame(*codec, nullptr, *packet, output, faults);
  return output.finish();
}

Bytes encode_video(const at::Tensor& codes_dhw, const VideoEncodeOptions& options) {
  if (codes_dhw.scalar_type() != at::kUInt16) fail(ErrorCategory::usage, "codes are uint16");
  const SizeDhw size = size_dhw(codes_dhw);
  const at::Tensor codes = codes_dhw.contiguous();
  const auto* data = static_cast<const std::uint16_t*>(codes.data_ptr());
  const std::int64_t slice_size = size[1] * size[2];
  return encode_slices(size, options, [&](std::int64_t slice, std::uint16_t* out) {
    std::copy_n(data + slice * slice_size, slice_size, out);
  });
}

}  // namespace pillar
