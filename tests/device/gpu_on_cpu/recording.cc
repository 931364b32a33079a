// What a thread records: steps that work on the same memory each time, which is kept for them.
#include "machine.h"

#include <cstring>
#include <vector>

#include <c10/util/Exception.h>

namespace gpu_on_cpu {

struct Recording {
  std::vector<std::function<void()>> steps;
  std::vector<c10::DataPtr> kept;
};

namespace {

thread_local Recording* recording_now = nullptr;

}  // namespace

Recording* begin_recording() {
  TORCH_CHECK(current_queue(current_device()).id != 0, "gpu_on_cpu: the default queue cannot be recorded");
  TORCH_CHECK(recording_now == nullptr, "gpu_on_cpu: recordings do not nest");
  recording_now = new Recording;
  return recording_now;
}

void end_recording(Recording* recording) {
  if (recording == recording_now) recording_now = nullptr;
}

void forget_recording(Recording* recording) {
  end_recording(recording);
  delete recording;
}

bool is_recording() {
  return recording_now != nullptr;
}

void record(std::function<void()> step) {
  if (recording_now != nullptr) recording_now->steps.push_back(std::move(step));
}

void keep_for_recording(c10::DataPtr memory) {
  if (recording_now != nullptr) recording_now->kept.push_back(std::move(memory));
}

void refuse_in_recording(const char* what) {
  TORCH_CHECK(recording_now == nullptr, "CUDA error: operation not permitted when stream is capturing (",
              what, ")");
}

void replay(const Recording& recording) {
  count_operator();
  for (const std::function<void()>& step : recording.steps) step();
}

}  // namespace gpu_on_cpu
