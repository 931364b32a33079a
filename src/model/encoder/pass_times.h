// Internal: where the time of a pass goes that is queued on a device as a whole.
#pragma once

#include "pillar/device/device_clock.h"
#include "pillar/model/encoder.h"

#include <optional>
#include <vector>

namespace pillar {

// Marks the queue behind windows, stem and each stage, which does not stop it.
class PassTimes {
 public:
  PassTimes(at::Device device, ReadoutTimes* times);  // null: nothing is timed
  void mark();                                        // behind windows, then behind the stem
  void watch(AtlasPass& pass);                        // stages; beside what the pass tells already
  void finish();                                      // waits for the device, and adds to the times

 private:
  ReadoutTimes* times_;
  std::optional<DeviceClock> clock_;
  std::vector<std::size_t> stages_;  // of each mark that a stage has set
};

}  // namespace pillar
