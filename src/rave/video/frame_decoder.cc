#include "rave/video/frame_decoder.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include "rave/video/av_log.h"
#include "rave/video/picture_checksum.h"
#include "rave/video/video_input.h"

#include <algorithm>

namespace pillar {
namespace {

// Each frame thread holds a frame or two; beyond this a stream of B-frames keeps no more of them busy.
constexpr int kMaxDecoderThreads = 16;
constexpr std::int64_t kMaxFramePixels = std::int64_t{8192} * 8192;
constexpr std::int64_t kMaxVolumeBytes = std::int64_t{1} << 34;

const char* pixel_format_name(int format) {
  const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(format));
  return name ? name : "unknown";
}

CodecContext open_decoder(const VideoInput& input, AvFaults& faults, int threads) {
  const AVCodecParameters& parameters = *input.stream().codecpar;
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr) {
    fail(ErrorCategory::unsupported, "this libavcodec has no {} decoder",
         avcodec_get_name(parameters.codec_id));
  }
  CodecContext context(avcodec_alloc_context3(codec));
  if (!context) throw std::bad_alloc();
  if (avcodec_parameters_to_context(context.get(), &parameters) < 0) throw std::bad_alloc();
  context->opaque = &faults;
  context->pkt_timebase = input.stream().time_base;
  context->thread_count = std::clamp(threads > 0 ? threads : usable_processors(), 1, kMaxDecoderThreads);
  context->thread_type = FF_THREAD_FRAME;
  context->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
  context->apply_cropping = 0;  // checksums cover the whole picture
  context->max_pixels = kMaxFramePixels;
  int status = avcodec_open2(context.get(), codec, nullptr);
  if (status < 0) {
    std::string reason = faults.first().empty() ? av_error_text(status) : faults.first();
    fail(ErrorCategory::input, "{}: the stream's header is damaged: {}", input.name(), reason);
  }
  return context;
}

// Feeds the packets that a range needs and takes its frames out.
class RangeDecoder {
 public:
  RangeDecoder(VideoInput& input, const PacketIndex& index, std::int64_t begin, std::int64_t end, int threads,
               const RangeStart& start, const FrameSink& sink)
      : input_(input),
        index_(index),
        begin_(begin),
        end_(end),
        start_(start),
        sink_(sink),
        context_(open_decoder(input, faults_, threads)),
        checksums_(*input.stream().codecpar),
        packet_(av_packet_alloc()),
        frame_(av_frame_alloc()) {
    if (!packet_ || !frame_) throw std::bad_alloc();
  }

  void run() {
    const std::size_t first = index_.first_packet(begin_);
    const std::size_t last = index_.last_packet(begin_, end_);
    for (std::size_t i = 0; i <= last && next_ < end_ - begin_; ++i) {
      if (!input_.next(packet_.get())) fail(ErrorCategory::input, "{}: cut off", input_.name());
      if (i < first) continue;
      checksums_.take(*packet_);
      check(avcodec_send_packet(context_.get(), packet_.get()));
      take_frames();
    }
    check(avcodec_send_packet(context_.get(), nullptr));
    take_frames();
    check(0);
    if (next_ != end_ - begin_) {
      fail(ErrorCategory::input, "{}: slice {} is missing: {} of {} could be decoded", input_.name(),
           begin_ + next_, next_, end_ - begin_);
    }
  }

 private:
  void take_frames() {
    while (next_ < end_ - begin_) {
      int status = avcodec_receive_frame(context_.get(), frame_.get());
      if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return;
      check(status);
      take_frame();
      av_frame_unref(frame_.get());
    }
  }

  void take_frame() {
    const std::int64_t slice = begin_ + next_;
    const std::int64_t wanted = index_.slice_pts[static_cast<std::size_t>(slice)];
    if ((frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame_->decode_error_flags != 0) {
      fail(ErrorCategory::input, "{}: slice {} is damaged", input_.name(), slice);
    }
    if (frame_->pts < wanted) return;  // before the range, after its keyframe
    if (frame_->pts > wanted)
      fail(ErrorCategory::input, "{}: slice {} is missing or damaged", input_.name(), slice);
    VideoInfo info = describe_frame(*frame_, context_->codec_id, input_.name());
    if (next_ == 0) {
      info.frames = static_cast<std::int64_t>(index_.packets.size());
      check_size(info);
      start_(info, end_ - begin_);
      info_ = info;
    } else if (info.width != info_.width || info.height != info_.height ||
               info.pixel_format != info_.pixel_format) {
      fail(ErrorCategory::input, "{}: slice {} is {} x {} {}, those before are {} x {} {}", input_.name(),
           slice, info.height, info.width, info.pixel_format, info_.height, info_.width, info_.pixel_format);
    }
    checksums_.verify(*frame_, input_.name(), slice);
    sink_(next_, luma_plane(*frame_));
    ++next_;
  }

  void check_size(const VideoInfo& info) const {
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(info.width * info.height * 2, end_ - begin_, &bytes) ||
        bytes > kMaxVolumeBytes) {
      fail(ErrorCategory::input, "{}: {} slices of {} x {} are more than the {} bytes that a volume may have",
           input_.name(), end_ - begin_, info.height, info.width, kMaxVolumeBytes);
    }
  }

  // Also looks at what the decoder logged: it answers some faults with a concealed frame and status 0.
  void check(int status) const {
    std::string fault = faults_.first();
    if (status >= 0 && fault.empty()) return;
    fail(ErrorCategory::input, "{}: damaged near slice {}: {}", input_.name(), begin_ + next_,
         fault.empty() ? av_error_text(status) : fault);
  }

  VideoInput& input_;
  const PacketIndex& index_;
  std::int64_t begin_;
  std::int64_t end_;
  const RangeStart& start_;
  const FrameSink& sink_;
  AvFaults faults_;
  CodecContext context_;
  PictureChecksums checksums_;
  Packet packet_;
  Frame frame_;
  VideoInfo info_ = {};
  std::int64_t next_ = 0;  // slices of the range handed on so far
};

}  // namespace

LumaPlane luma_plane(const AVFrame& frame) {
  LumaPlane plane = {};
  plane.height = frame.height - static_cast<std::int64_t>(frame.crop_top + frame.crop_bottom);
  plane.width = frame.width - static_cast<std::int64_t>(frame.crop_left + frame.crop_right);
  plane.stride_bytes = frame.linesize[0];
  plane.data =
      frame.data[0] + static_cast<std::int64_t>(frame.crop_top) * plane.stride_bytes + 2 * frame.crop_left;
  return plane;
}

VideoInfo describe_frame(const AVFrame& frame, AVCodecID codec, const std::string& name) {
  VideoInfo info = {};
  const LumaPlane plane = luma_plane(frame);
  info.height = plane.height;
  info.width = plane.width;
  if (plane.height <= 0 || plane.width <= 0) fail(ErrorCategory::input, "{}: an empty picture", name);
  info.codec = avcodec_get_name(codec);
  info.pixel_format = pixel_format_name(frame.format);
  switch (frame.format) {
    case AV_PIX_FMT_YUV420P10LE:
    case AV_PIX_FMT_GRAY10LE:
      info.kind = VideoKind::rave10;
      return info;
    case AV_PIX_FMT_GRAY12LE:
      info.kind = VideoKind::gray12;
      return info;
    case AV_PIX_FMT_GRAY16LE:
      info.kind = VideoKind::gray16;
      return info;
    default:
      fail(ErrorCategory::input,
           "{}: {} pixels are {}; a sample's are yuv420p10le, gray10le, gray12le or gray16le", name,
           info.codec, info.pixel_format);
  }
}

std::array<std::int64_t, 2> resolve_range(const SliceRange& range, std::int64_t slices,
                                          const std::string& name) {
  std::int64_t end = range.end.value_or(slices);
  if (range.begin < 0 || range.begin >= end || end > slices) {
    fail(ErrorCategory::usage, "{}: slices {}:{} are not within its {} slices", name, range.begin, end,
         slices);
  }
  return {range.begin, end};
}

void decode_frames(ByteView file, const std::string& name, SliceRange range, int threads,
                   const RangeStart& start, const FrameSink& sink) {
  PacketIndex index;
  {
    VideoInput input(file, name);
    index = index_packets(input);
  }
  auto [begin, end] = resolve_range(range, static_cast<std::int64_t>(index.packets.size()), name);
  VideoInput input(file, name);
  RangeDecoder(input, index, begin, end, threads, start, sink).run();
}

}  // namespace pillar
