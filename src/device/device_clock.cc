#include "pillar/device/device_clock.h"

#include <chrono>

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace pillar {

struct DeviceClock::State {
  using Clock = std::chrono::steady_clock;
  at::Device device;
  std::vector<Clock::time_point> times;  // of a CPU
  std::vector<c10::Event> events;        // of a GPU
};

DeviceClock::DeviceClock(at::Device device) : state_(std::make_unique<State>(State{device, {}, {}})) {}
DeviceClock::~DeviceClock() = default;

void DeviceClock::mark() {
  if (state_->device.is_cpu()) {
    state_->times.push_back(State::Clock::now());
    return;
  }
  const c10::impl::VirtualGuardImpl gpu(state_->device.type());
  // Only events of this flag keep the time.
  state_->events.emplace_back(state_->device.type(), c10::EventFlag::BACKEND_DEFAULT);
  state_->events.back().record(gpu.getStream(state_->device));
}

std::vector<double> DeviceClock::laps() {
  constexpr double kMilliseconds = 1e-3;
  std::vector<double> laps;
  const std::vector<State::Clock::time_point> times = std::exchange(state_->times, {});
  for (std::size_t i = 1; i < times.size(); ++i)
    laps.push_back(std::chrono::duration<double>(times[i] - times[i - 1]).count());
  const std::vector<c10::Event> events = std::exchange(state_->events, {});
  if (!events.empty()) events.back().synchronize();
  for (std::size_t i = 1; i < events.size(); ++i)
    laps.push_back(kMilliseconds * events[i - 1].elapsedTime(events[i]));
  return laps;
}

void wait_for_device(at::Device device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl gpu(device.type());
  gpu.synchronizeStream(gpu.getStream(device));
}

std::uint64_t peak_device_bytes(at::Device device, bool begin_anew) {
  if (device.is_cpu()) return 0;
  constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  c10::DeviceAllocator* allocator = c10::getDeviceAllocator(device.type());
  const std::int64_t peak = allocator->getDeviceStats(device.index()).allocated_bytes[kAll].peak;
  if (begin_anew) allocator->resetPeakStats(device.index());
  return static_cast<std::uint64_t>(peak);
}

std::uint64_t free_device_bytes(at::Device device) {
  return c10::getDeviceAllocator(device.type())->getMemoryInfo(device.index()).first;
}

}  // namespace pillar
