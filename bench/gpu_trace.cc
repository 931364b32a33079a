#include "gpu_trace.h"

#include "pillar/device/device_clock.h"

#include <set>

#include <kineto/ActivityType.h>
#include <torch/csrc/autograd/profiler_kineto.h>

namespace pillar::bench {
namespace {

namespace profiler = torch::autograd::profiler;
using torch::profiler::impl::ActivityType;
using torch::profiler::impl::ProfilerConfig;
using torch::profiler::impl::ProfilerState;

bool is_kernel(const profiler::KinetoEvent& event) {
  return event.activityType() == static_cast<std::uint8_t>(libkineto::ActivityType::CONCURRENT_KERNEL);
}

}  // namespace

std::optional<GpuTrace> trace_gpu(at::Device device, const std::function<void()>& call) {
  if (!device.is_cuda()) return std::nullopt;
  const ProfilerConfig config(ProfilerState::KINETO);
  const std::set<ActivityType> wanted = {ActivityType::CUDA};
  profiler::prepareProfiler(config, wanted);
  profiler::enableProfiler(config, wanted);
  call();
  wait_for_device(device);
  constexpr double kNanoseconds = 1e-9;
  GpuTrace trace;
  for (const profiler::KinetoEvent& event : profiler::disableProfiler()->events()) {
    if (!is_kernel(event)) continue;
    ++trace.launches;
    trace.busy_s += kNanoseconds * static_cast<double>(event.durationNs());
  }
  return trace.launches > 0 ? std::optional(trace) : std::nullopt;
}

}  // namespace pillar::bench
