// Queues of work, and what each may rely on. Each queue counts its steps. It knows how far every other one
// had come when it last waited for it, and each block of memory knows the steps that wrote and read it last.
#include "blocks.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <map>

#include <c10/util/Exception.h>

namespace gpu_on_cpu {
namespace {

constexpr c10::StreamId kQueuesAside = 4;

struct PutOff {
  Time time = 0;
  std::function<void()> run;
};

struct QueueState {
  Time now = 0;
  std::map<Queue, Time> seen;
  std::deque<PutOff> put_off;
};

struct Counts {
  std::uint64_t operators = 0, waits = 0, put_off = 0;
  ~Counts() {
    const char* path = std::getenv("FAKE_CUDA_REPORT");
    if (path == nullptr) return;
    std::ofstream(path) << "operators " << operators << " waits " << waits << " put_off " << put_off << '\n';
  }
};

Counts& counts() {
  static Counts all;
  return all;
}

std::map<Queue, QueueState>& queues() {
  static auto* all = new std::map<Queue, QueueState>;  // threads may outlive static objects
  return *all;
}

std::map<Queue, Time>& seen_by_cpu() {
  static auto* all = new std::map<Queue, Time>;
  return *all;
}

void run_until(const Queue& queue, Time time) {
  QueueState& state = queues()[queue];
  while (!state.put_off.empty() && state.put_off.front().time <= time) {
    const PutOff first = std::move(state.put_off.front());
    state.put_off.pop_front();
    first.run();
  }
}

std::string in_words(const Queue& queue) {
  return "queue " + std::to_string(queue.id) + " of cuda:" + std::to_string(queue.device);
}

bool has_reached(const std::map<Queue, Time>& seen, const Queue& queue, Time time) {
  const auto found = seen.find(queue);
  return found != seen.end() && found->second >= time;
}

// Whether `by` may rely on that step of `queue`: its own, or waited for by it or by the CPU.
bool is_before(const Queue& by, const Queue& queue, Time time) {
  return queue == by || has_reached(queues()[by].seen, queue, time) ||
         has_reached(seen_by_cpu(), queue, time);
}

// What `queue` relies on was done by a step that it has waited for.
void check_order(const Queue& queue, const std::map<Queue, Time>& steps, const char* what) {
  for (const auto& [other, time] : steps) {
    TORCH_CHECK(is_before(queue, other, time), "gpu_on_cpu: ", in_words(queue), " ", what, " memory that ",
                in_words(other), " works on, without having waited for it");
  }
}

void step(const Queue& queue, const Work& work, bool at_once) {
  QueueState& state = queues()[queue];
  ++state.now;
  for (const void* address : work.reads) {
    Block& block = block_of(address, queue.device);
    check_order(queue, block.written, "reads");
    for (const auto& [writer, time] : block.written) {
      if (at_once) run_until(writer, time);
    }
    block.read[queue] = state.now;
  }
  for (const void* address : work.writes) {
    Block& block = block_of(address, queue.device);
    check_order(queue, block.written, "writes");
    check_order(queue, block.read, "writes");
    for (const auto* steps : {&block.written, &block.read}) {
      for (const auto& [other, time] : *steps) {
        if (at_once) run_until(other, time);
      }
    }
    block.written = {{queue, state.now}};
  }
}

thread_local c10::DeviceIndex device_now = 0;
thread_local std::map<c10::DeviceIndex, c10::StreamId> queue_now;

}  // namespace

std::recursive_mutex& machine_mutex() {
  static auto* mutex = new std::recursive_mutex;
  return *mutex;
}

c10::DeviceIndex device_count() {
  const char* devices = std::getenv("FAKE_CUDA_DEVICES");
  const std::string_view text = devices == nullptr ? "" : devices;
  return static_cast<c10::DeviceIndex>(1 + std::count(text.begin(), text.end(), ';'));
}

c10::DeviceIndex current_device() {
  return device_now;
}
void set_current_device(c10::DeviceIndex device) {
  TORCH_CHECK(device >= 0 && device < device_count(), "gpu_on_cpu: no device ", static_cast<int>(device));
  device_now = device;
}
Queue current_queue(c10::DeviceIndex device) {
  const auto found = queue_now.find(device);
  return {device, found == queue_now.end() ? 0 : found->second};
}
void set_current_queue(const Queue& queue) {
  queue_now[queue.device] = queue.id;
}
Queue next_queue(c10::DeviceIndex device) {
  const std::lock_guard lock(machine_mutex());
  static c10::StreamId last = 0;
  last = last % kQueuesAside + 1;
  return {device, last};
}

void begin_work(const Queue& queue, const Work& work) {
  const std::lock_guard lock(machine_mutex());
  step(queue, work, /*at_once=*/true);
}

void put_off(const Queue& queue, const Work& work, std::function<void()> run) {
  const std::lock_guard lock(machine_mutex());
  step(queue, work, /*at_once=*/false);
  QueueState& state = queues()[queue];
  state.put_off.push_back({state.now, std::move(run)});
  ++counts().put_off;
}

Mark mark(const Queue& queue) {
  const std::lock_guard lock(machine_mutex());
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return {queue, queues()[queue].now, std::chrono::duration<double>(now).count()};
}

void let_wait(const Queue& queue, const Mark& mark) {
  const std::lock_guard lock(machine_mutex());
  if (queue == mark.queue) return;
  QueueState& state = queues()[queue];
  for (const auto& [other, time] : queues()[mark.queue].seen)
    state.seen[other] = std::max(state.seen[other], time);
  state.seen[mark.queue] = std::max(state.seen[mark.queue], mark.time);
}

void wait_for(const Mark& mark) {
  refuse_in_recording("the CPU waits");
  const std::lock_guard lock(machine_mutex());
  ++counts().waits;
  run_until(mark.queue, mark.time);
  for (const auto& [other, time] : queues()[mark.queue].seen) {
    run_until(other, time);
    seen_by_cpu()[other] = std::max(seen_by_cpu()[other], time);
  }
  seen_by_cpu()[mark.queue] = std::max(seen_by_cpu()[mark.queue], mark.time);
}

void wait_for_all(c10::DeviceIndex device) {
  const std::lock_guard lock(machine_mutex());
  std::vector<Mark> marks;
  for (const auto& [queue, state] : queues()) {
    if (queue.device == device) marks.push_back({queue, state.now, 0});
  }
  for (const Mark& one : marks) wait_for(one);
}

bool was_waited_for(const std::map<Queue, Time>& steps, const Queue& by) {
  return std::all_of(steps.begin(), steps.end(),
                     [&](const auto& step) { return is_before(by, step.first, step.second); });
}

void finish(const std::map<Queue, Time>& steps) {
  for (const auto& [queue, time] : steps) run_until(queue, time);
}

void count_operator() {
  static const char* fault = std::getenv("FAKE_CUDA_FAULT");
  static const std::uint64_t last = fault == nullptr ? 0 : std::stoull(fault);
  constexpr std::int32_t kIllegalAddress = 700;  // cudaErrorIllegalAddress
  const std::lock_guard lock(machine_mutex());
  if (++counts().operators <= last || last == 0) return;
  throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, kIllegalAddress,
                              "CUDA error: an illegal memory access was encountered");
}

}  // namespace gpu_on_cpu
