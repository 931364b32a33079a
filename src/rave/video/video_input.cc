#include "rave/video/video_input.h"

#include "pillar/core/fail.h"

#include "rave/video/av_log.h"
#include "rave/video/container_claims.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <new>

#include <fmt/format.h>

namespace pillar {
namespace {

// A sample is one file: whatever a container refers to outside itself is not followed.
int refuse_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

std::string stream_names(const AVFormatContext& format) {
  std::string names;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVCodecParameters& codec = *format.streams[i]->codecpar;
    const char* type = av_get_media_type_string(codec.codec_type);
    names +=
        fmt::format("{}{} ({})", i ? ", " : "", type ? type : "unknown", avcodec_get_name(codec.codec_id));
  }
  return names.empty() ? "nothing" : names;
}

}  // namespace

VideoInput::VideoInput(ByteView file, std::string name) : name_(std::move(name)), reader_(file) {
  redirect_av_log();
  if (file.empty()) fail(ErrorCategory::input, "{}: empty, not a video", name_);
  check_container_claims(file, name_);
  format_ = avformat_alloc_context();
  if (format_ == nullptr) throw std::bad_alloc();
  format_->pb = reader_.context();
  format_->flags |= AVFMT_FLAG_CUSTOM_IO;
  format_->io_open = refuse_open;
  format_->format_whitelist = av_strdup("mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,matroska,webm");
  int status = avformat_open_input(&format_, nullptr, nullptr, nullptr);  // frees format_ on failure
  if (status < 0) {
    fail(ErrorCategory::input, "{}: not a readable mp4 or Matroska video: {}", name_, av_error_text(status));
  }
  try {
    int index = av_find_best_stream(format_, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    if (index < 0)
      fail(ErrorCategory::input, "{}: no video stream; it holds {}", name_, stream_names(*format_));
    stream_ = format_->streams[index];
    for (unsigned i = 0; i < format_->nb_streams; ++i) {
      if (static_cast<int>(i) != index) format_->streams[i]->discard = AVDISCARD_ALL;
    }
    AVCodecID codec = stream_->codecpar->codec_id;
    if (codec != AV_CODEC_ID_HEVC && codec != AV_CODEC_ID_FFV1) {
      fail(ErrorCategory::input, "{}: {} video; a sample's is hevc or ffv1", name_, avcodec_get_name(codec));
    }
  } catch (...) {
    avformat_close_input(&format_);
    throw;
  }
}

VideoInput::~VideoInput() {
  avformat_close_input(&format_);
}

bool VideoInput::next(AVPacket* packet) {
  while (true) {
    av_packet_unref(packet);
    int status = av_read_frame(format_, packet);
    if (status == AVERROR_EOF) return false;
    if (status < 0) fail(ErrorCategory::input, "{}: damaged or cut off: {}", name_, av_error_text(status));
    if (packet->stream_index != stream_->index) continue;
    if (packet->flags & AV_PKT_FLAG_CORRUPT)
      fail(ErrorCategory::input, "{}: damaged or cut off inside a frame", name_);
    return true;
  }
}

std::size_t PacketIndex::first_packet(std::int64_t begin) const {
  std::size_t first = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (packets[i].keyframe && packets[i].pts <= slice_pts[static_cast<std::size_t>(begin)]) first = i;
  }
  return first;
}

std::size_t PacketIndex::last_packet(std::int64_t begin, std::int64_t end) const {
  std::size_t last = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (packets[i].pts >= slice_pts[static_cast<std::size_t>(begin)] &&
        packets[i].pts <= slice_pts[static_cast<std::size_t>(end - 1)]) {
      last = i;
    }
  }
  return last;
}

namespace {

// Slices follow each other at a fixed rate; a gap is a frame that is not there. One tick of rounding is
// allowed.
void check_even(const std::vector<std::int64_t>& slice_pts, const std::string& name) {
  if (slice_pts.size() < 3) return;
  const double mean =
      static_cast<double>(slice_pts.back() - slice_pts.front()) / static_cast<double>(slice_pts.size() - 1);
  for (std::size_t i = 1; i < slice_pts.size(); ++i) {
    if (std::abs(static_cast<double>(slice_pts[i] - slice_pts[i - 1]) - mean) > 1.01) {
      fail(ErrorCategory::input, "{}: uneven time stamps around slice {}: a frame is missing or misplaced",
           name, i);
    }
  }
}

}  // namespace

PacketIndex index_packets(VideoInput& input) {
  PacketIndex index;
  Packet packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  std::int64_t stored = 0;
  while (input.next(packet.get())) {
    ++stored;
    if (packet->flags & AV_PKT_FLAG_DISCARD) {
      fail(ErrorCategory::input, "{}: an edit list hides frame {}", input.name(), stored - 1);
    }
    if (packet->pts == AV_NOPTS_VALUE) {
      fail(ErrorCategory::input, "{}: frame {} has no time stamp", input.name(), stored - 1);
    }
    index.packets.push_back({packet->pts, (packet->flags & AV_PKT_FLAG_KEY) != 0});
    index.slice_pts.push_back(packet->pts);
  }
  if (stored == 0) fail(ErrorCategory::input, "{}: no frames", input.name());
  if (input.counted_frames() > 0 && input.counted_frames() != stored) {
    fail(ErrorCategory::input, "{}: {} frames are there, its header counts {}", input.name(), stored,
         input.counted_frames());
  }
  if (!index.packets.front().keyframe)
    fail(ErrorCategory::input, "{}: does not begin with a keyframe", input.name());
  std::sort(index.slice_pts.begin(), index.slice_pts.end());
  auto twin = std::adjacent_find(index.slice_pts.begin(), index.slice_pts.end());
  if (twin != index.slice_pts.end()) {
    fail(ErrorCategory::input, "{}: two frames have the time stamp {}", input.name(), *twin);
  }
  check_even(index.slice_pts, input.name());
  return index;
}

}  // namespace pillar
