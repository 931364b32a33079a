// How long queued work takes on the device that does it, and what a GPU has of memory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Marks in a queue of work: events of the current queue on a GPU, which do not stop it, readings of the clock
// on a CPU, where work is done when it is called. For one thread.
class DeviceClock {
 public:
  explicit DeviceClock(at::Device device);
  ~DeviceClock();
  DeviceClock(const DeviceClock&) = delete;
  DeviceClock& operator=(const DeviceClock&) = delete;

  void mark();                 // where everything queued so far is done
  std::vector<double> laps();  // seconds from each mark to the next; waits for the last, and forgets them

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Waits until the device has done all that this thread's queue of it holds.
void wait_for_device(at::Device device);

// Bytes that LibTorch's allocator has given out at most on a GPU, since the last call with `begin_anew`; 0 on
// a CPU, whose memory is the process's.
std::uint64_t peak_device_bytes(at::Device device, bool begin_anew = false);

// Bytes that a GPU could give out now.
std::uint64_t free_device_bytes(at::Device device);

}  // namespace pillar
