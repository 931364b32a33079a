#include "rave/video/encoder_settings.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include "rave/video/video_encode.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::int64_t kMinSide = 32;
constexpr std::int64_t kMaxSide = 8192;
constexpr int kFramesPerSecond = 25;
// Pictures encoded at once. Fixed, because rate control can depend on it; nothing depends on the worker
// threads.
constexpr int kLossyFrameThreads = 1;
constexpr int kLosslessFrameThreads = 3;

AVPixelFormat pixel_format(VideoKind kind) {
  switch (kind) {
    case VideoKind::rave10:
      return AV_PIX_FMT_YUV420P10LE;
    case VideoKind::gray12:
      return AV_PIX_FMT_GRAY12LE;
    case VideoKind::gray16:
      return AV_PIX_FMT_GRAY16LE;
  }
  return AV_PIX_FMT_NONE;
}

void check_video_options(const SizeDhw& size, const VideoEncodeOptions& options) {
  constexpr std::array<std::string_view, 10> presets = {"ultrafast", "superfast", "veryfast", "faster",
                                                        "fast",      "medium",    "slow",     "slower",
                                                        "veryslow",  "placebo"};
  if (std::find(presets.begin(), presets.end(), options.preset) == presets.end()) {
    fail(ErrorCategory::usage, "unknown x265 preset '{}'; ultrafast (fastest) to placebo (smallest)",
         options.preset);
  }
  if (options.crf < 0 || options.crf > 51)
    fail(ErrorCategory::usage, "crf {} is not within 0 to 51", options.crf);
  if (options.keyframe_interval < 1) {
    fail(ErrorCategory::usage, "a keyframe every {} slices is not possible", options.keyframe_interval);
  }
  const auto [depth, height, width] = size;
  if (depth < 1 || !video_can_hold(size)) {
    fail(ErrorCategory::usage, "a video holds slices of {} x {} to {} x {}, not {} of {} x {}", kMinSide,
         kMinSide, kMaxSide, kMaxSide, depth, height, width);
  }
  if (options.kind == VideoKind::rave10 && (height % 2 != 0 || width % 2 != 0)) {
    fail(ErrorCategory::usage,
         "the 10-bit stream (4:2:0) holds even numbers of rows and columns, not {} x {}", height, width);
  }
}

void set(AVCodecContext& context, const char* name, const std::string& value) {
  int status = av_opt_set(context.priv_data, name, value.c_str(), 0);
  if (status < 0)
    fail(ErrorCategory::unsupported, "this encoder has no option {}: {}", name, av_error_text(status));
}

// With fewer slices than its reordering delay, libx265 3.5 makes up their decoding times from memory it never
// set.
constexpr std::int64_t kFewSlices = 4;

// In narrower pictures libx265 3.5's rate control (its vector code) writes past the end of its arrays.
constexpr int kMinCutreeWidth = 64;

// libx265 3.5 writes streams that decode to something else where a picture is one coding tree unit wide.
int default_ctu_size(std::string_view preset) {
  return preset == "ultrafast" || preset == "superfast" ? 32 : 64;
}

void set_hevc(AVCodecContext& context, std::int64_t depth, const VideoEncodeOptions& options) {
  const int threads = options.threads > 0 ? options.threads : usable_processors();
  context.thread_count = options.kind == VideoKind::rave10 ? kLossyFrameThreads : kLosslessFrameThreads;
  context.gop_size = options.keyframe_interval;
  context.keyint_min = options.keyframe_interval;
  context.color_range = AVCOL_RANGE_JPEG;
  context.colorspace = AVCOL_SPC_BT709;
  context.color_primaries = AVCOL_PRI_BT709;
  context.color_trc = AVCOL_TRC_BT709;
  set(context, "preset", options.preset);
  // hash=3: a checksum with every picture, which our decoder verifies. info=0: no text that names the
  // processor.
  std::string parameters = fmt::format("log-level=none:info=0:hash=3:pools={}", threads);
  if (options.kind == VideoKind::rave10) {
    set(context, "crf", std::to_string(options.crf));
  } else {
    parameters += ":lossless=1";
  }
  if (depth <= kFewSlices) parameters += ":bframes=0";
  if (context.width < kMinCutreeWidth) parameters += ":cutree=0";
  if (context.width <= default_ctu_size(options.preset)) parameters += ":ctu=16";
  set(context, "x265-params", parameters);
}

void set_ffv1(AVCodecContext& context, int threads) {
  constexpr int kSlices = 4;
  context.level = 3;
  context.slices = kSlices;
  context.thread_count = std::clamp(threads > 0 ? threads : usable_processors(), 1, kSlices);
  context.thread_type = FF_THREAD_SLICE;
  context.gop_size = 1;  // every slice by itself: ranges and damage stay local
  context.color_range = AVCOL_RANGE_JPEG;
  set(context, "slicecrc", "1");
}

}  // namespace

int bits_of(VideoKind kind) noexcept {
  return kind == VideoKind::rave10 ? 10 : kind == VideoKind::gray12 ? 12 : 16;
}

bool video_can_hold(const SizeDhw& size_dhw) noexcept {
  const auto [depth, height, width] = size_dhw;
  return std::min(height, width) >= kMinSide && std::max(height, width) <= kMaxSide;
}

CodecContext open_encoder(const SizeDhw& size_dhw, const VideoEncodeOptions& options, AvFaults& faults) {
  check_video_options(size_dhw, options);
  const bool hevc = options.kind != VideoKind::gray16;
  const AVCodec* codec =
      hevc ? avcodec_find_encoder_by_name("libx265") : avcodec_find_encoder(AV_CODEC_ID_FFV1);
  if (codec == nullptr) {
    fail(ErrorCategory::unsupported, "this libavcodec has no {} encoder", hevc ? "libx265" : "ffv1");
  }
  CodecContext context(avcodec_alloc_context3(codec));
  if (!context) throw std::bad_alloc();
  context->opaque = &faults;
  context->height = static_cast<int>(size_dhw[1]);
  context->width = static_cast<int>(size_dhw[2]);
  context->pix_fmt = pixel_format(options.kind);
  context->time_base = {1, kFramesPerSecond};
  context->framerate = {kFramesPerSecond, 1};
  context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
  if (hevc) {
    set_hevc(*context, size_dhw[0], options);
  } else {
    set_ffv1(*context, options.threads);
  }
  int status = avcodec_open2(context.get(), codec, nullptr);
  if (status < 0) {
    std::string fault = faults.first().empty() ? av_error_text(status) : faults.first();
    fail(ErrorCategory::unsupported, "{} cannot encode slices of {} x {}: {}", codec->name, size_dhw[1],
         size_dhw[2], fault);
  }
  return context;
}

}  // namespace pillar
