// Internal: libav's messages. They go to our log at debug level, and what a codec reports as an error is
// kept.
#pragma once

#include <string>

namespace pillar {

// Once per process: libav prints nothing by itself any more.
void redirect_av_log();

// libav text of an error code.
std::string av_error_text(int code);

// Collects the errors that codecs report while it lives. libavcodec conceals some faults (a missing reference
// picture is replaced by grey) and only says so in its log; that is how they are seen here. Set
// AVCodecContext::opaque to this: the codec's worker threads carry it along.
class AvFaults {
 public:
  AvFaults();
  ~AvFaults();
  AvFaults(const AvFaults&) = delete;
  AvFaults& operator=(const AvFaults&) = delete;

  // The first error reported, empty if none.
  std::string first() const;
};

}  // namespace pillar
