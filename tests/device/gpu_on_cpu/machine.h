// A GPU for tests on machines without one. LibTorch's operators on its tensors are computed by those for
// CPUs, at once; what makes a program for GPUs hard to get right is kept: its memory is no CPU's, copies from
// and to page-locked memory are put off until something waits for them, and work of one queue that another
// queue relies on without having waited for it is an error.
//
// As a folder before the real libraries in LD_LIBRARY_PATH (CMakeLists.txt): libtorch_cuda.so, which is this,
// libpillar_cuda.so, whose kernels run by cuda_on_cpu, and libcuda.so.1 (fake_cuda.cc).
//   FAKE_CUDA_DEVICES  as in fake_cuda.cc; one by default
//   FAKE_CUDA_MEMORY   bytes of each device, 16e9 by default
//   FAKE_CUDA_FAULT    after so many operators all that follow fail, as after an illegal access; 0: never
//   FAKE_CUDA_REPORT   a file that is given a line at the end: operators, waits of the CPU, copies put off
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <c10/core/Allocator.h>
#include <c10/core/Device.h>
#include <c10/core/Stream.h>

namespace gpu_on_cpu {

using Time = std::uint64_t;

// A queue of work, which CUDA calls a stream.
struct Queue {
  c10::DeviceIndex device = 0;
  c10::StreamId id = 0;
  auto operator<=>(const Queue&) const = default;
};

c10::DeviceIndex device_count();
c10::DeviceIndex current_device();
void set_current_device(c10::DeviceIndex device);
Queue current_queue(c10::DeviceIndex device);
void set_current_queue(const Queue& queue);
Queue next_queue(c10::DeviceIndex device);  // of a few, in turn

// One step of work in a queue, which reads and writes these addresses. Copies that it needs are made first.
// Throws where an address is none of that device's memory, and where another queue wrote it, or reads it yet,
// and was not waited for.
struct Work {
  std::vector<const void*> reads, writes;
};
void begin_work(const Queue& queue, const Work& work);
// The same, but run() is called when somebody waits for it.
void put_off(const Queue& queue, const Work& work, std::function<void()> run);

// What was queued up to now: for an event, for the CPU, which waits, and for another queue.
struct Mark {
  Queue queue;
  Time time = 0;
  double seconds = 0;
};
Mark mark(const Queue& queue);
void let_wait(const Queue& queue, const Mark& mark);
void wait_for(const Mark& mark);
void wait_for_all(c10::DeviceIndex device);

// Memory of a device: `cpu` is where it really is. Throws c10::OutOfMemoryError where that is more than the
// device has left; may_hold() asks before.
c10::DataPtr memory_of_device(c10::DataPtr cpu, std::size_t bytes, c10::DeviceIndex device);
void check_room(std::size_t bytes, c10::DeviceIndex device);
bool is_page_locked(const void* address);
void record_use(const void* address, const Queue& queue);  // Tensor::record_stream()

// CUDA graphs. While a thread records, its steps are done and kept; memory that it frees stays for them, and
// what makes the CPU wait is refused.
struct Recording;
Recording* begin_recording();
void end_recording(Recording* recording);
void forget_recording(Recording* recording);
bool is_recording();
void record(std::function<void()> step);
void keep_for_recording(c10::DataPtr memory);
void refuse_in_recording(const char* what);
void replay(const Recording& recording);

// For FAKE_CUDA_REPORT.
void count_operator();

}  // namespace gpu_on_cpu
