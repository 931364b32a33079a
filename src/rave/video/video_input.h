// Internal: the container side of reading. An mp4 or Matroska file in memory, its one video stream, its
// packets.
#pragma once

#include "pillar/core/file.h"

#include "rave/video/av.h"
#include "rave/video/memory_io.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pillar {

class VideoInput {
 public:
  // Throws Error(input) naming the fault: empty, neither mp4 nor Matroska, no video stream, a codec that is
  // neither HEVC nor FFV1, sizes that cannot be. `file` must outlive the object; `name` is what messages call
  // it.
  VideoInput(ByteView file, std::string name);
  ~VideoInput();
  VideoInput(const VideoInput&) = delete;
  VideoInput& operator=(const VideoInput&) = delete;

  const AVStream& stream() const noexcept { return *stream_; }
  const std::string& name() const noexcept { return name_; }
  std::int64_t counted_frames() const noexcept {
    return stream_->nb_frames;
  }  // by the container; 0 if it does not say

  // Next packet of the video stream; false at the end. Throws Error(input) on a damaged or cut off one.
  bool next(AVPacket* packet);

 private:
  std::string name_;
  MemoryReader reader_;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
};

// Where each slice is in a file. Slices are frames in the order of their time stamps, which is not the order
// in which they are stored (B-frames).
struct PacketIndex {
  struct Entry {
    std::int64_t pts = 0;
    bool keyframe = false;
  };
  std::vector<Entry> packets;           // as stored
  std::vector<std::int64_t> slice_pts;  // ascending: time stamp of each slice

  // The keyframe to start from, and the last packet that is needed, for slices [begin, end).
  std::size_t first_packet(std::int64_t begin) const;
  std::size_t last_packet(std::int64_t begin, std::int64_t end) const;
};

// Walks the whole file without decoding. Throws Error(input) on missing or repeated time stamps, a first
// frame that is no keyframe, or another count than the container's.
PacketIndex index_packets(VideoInput& input);

}  // namespace pillar
