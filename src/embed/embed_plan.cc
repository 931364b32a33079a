#include "pillar/embed/embed_plan.h"

#include "pillar/core/fail.h"

#include <algorithm>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr double kGigabyte = 1e9;

// A scan is decoded at up to twice the model's size before it is cropped, and becomes float32 at worst.
constexpr std::uint64_t kDecodedBytes = 4, kInputBytes = 4;

double gigabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / kGigabyte;
}

const char* what_to_change(const EmbedMemory& memory) {
  if (memory.batch_size > 1) return "a smaller --batch-size needs less";
  return memory.processes > 1 ? "start fewer processes on this host"
                              : "close other programs, or use a larger machine";
}

}  // namespace

std::uint64_t plan_loader_bytes(const PreprocessSpec& spec, const EmbedMemory& memory) {
  const auto voxels = static_cast<std::uint64_t>(spec.size_dhw[0] * spec.size_dhw[1] * spec.size_dhw[2]);
  const std::uint64_t one_scan = voxels * (kDecodedBytes + kInputBytes);
  const std::uint64_t batch = voxels * kInputBytes * static_cast<std::uint64_t>(memory.batch_size) *
                              static_cast<std::uint64_t>(memory.batches);
  const std::uint64_t needed = memory.model_bytes + batch + one_scan;
  const std::uint64_t available = memory.available_bytes / static_cast<std::uint64_t>(memory.processes);
  if (needed > available) {
    fail(ErrorCategory::io,
         "embedding needs about {:.1f} GB of memory (model {:.1f}, a batch of {} {:.1f}, a scan that loads "
         "{:.1f}), "
         "{:.1f} GB are available{}: {}",
         gigabytes(needed), gigabytes(memory.model_bytes), memory.batch_size, gigabytes(batch),
         gigabytes(one_scan), gigabytes(available),
         memory.processes > 1 ? fmt::format(" to each of {} processes", memory.processes) : "",
         what_to_change(memory));
  }
  const std::uint64_t useful = 2 * one_scan * static_cast<std::uint64_t>(memory.jobs);
  return std::min(useful, one_scan + (available - needed) / 2);
}

}  // namespace pillar
