#include "pillar/device/device.h"

#include "pillar/core/fail.h"

#include "device/cuda_driver.h"
#include "device/shared/cuda_module.h"

#include <mutex>

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

// Once a process, and of several on this host by the first. That a machine without a driver has no GPU is
// no surprise, and said in detailed logs alone.
void log_fallback(std::int64_t process) {
  static std::once_flag said;
  if (process != 0) return;
  std::call_once(said, [] {
    spdlog::log(cuda_driver().is_there ? spdlog::level::warn : spdlog::level::debug,
                "computes on the CPU, as --device auto finds no GPU: {}", cuda_missing());
  });
}

void check_word(const std::string& text) {
  if (text != "cpu" && text != "cuda" && text != "auto" && !named_device(text))
    fail(ErrorCategory::usage, "unknown device '{}'; one of auto, cpu, cuda, cuda:N", text);
}

}  // namespace

at::Device parse_device(const std::string& text, std::int64_t process) {
  check_word(text);
  if (text == "cpu") return at::kCPU;
  if (text == "auto" && !cuda_available()) {
    log_fallback(process);
    return at::kCPU;
  }
  const std::size_t index = choose_device(cuda_driver(), text, process);
  cuda_module();  // throws, saying what is missing
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

void check_device(const std::string& text, std::int64_t process) {
  check_word(text);
  if (text == "cpu" || (text == "auto" && !why_none(cuda_driver()).empty())) return;
  choose_device(cuda_driver(), text, process);
}

}  // namespace pillar
