#include "pillar/embed/embed_plan.h"

#include "pillar/core/fail.h"

#include <algorithm>

namespace pillar {
namespace {

constexpr double kGigabyte = 1e9;

// A scan is decoded at up to twice the model's size before it is cropped, and becomes float32 at worst.
constexpr std::uint64_t kDecodedBytes = 4, kInputBytes = 4;

double gigabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / kGigabyte;
}

}  // namespace

std::uint64_t plan_loader_bytes(const PreprocessSpec& spec, const EmbedMemory& memory) {
  const auto voxels = static_cast<std::uint64_t>(spec.size_dhw[0] * spec.size_dhw[1] * spec.size_dhw[2]);
  const std::uint64_t one_scan = voxels * (kDecodedBytes + kInputBytes);
  const std::uint64_t batch = voxels * kInputBytes * static_cast<std::uint64_t>(memory.batch_size);
  const std::uint64_t needed = memory.model_bytes + batch + one_scan;
  if (needed > memory.available_bytes) {
    fail(ErrorCategory::io,
         "embedding needs about {:.1f} GB of memory (model {:.1f}, a batch of {} {:.1f}, a scan that loads "
         "{:.1f}), "
         "{:.1f} GB are available: {}",
         gigabytes(needed), gigabytes(memory.model_bytes), memory.batch_size, gigabytes(batch),
         gigabytes(one_scan), gigabytes(memory.available_bytes),
         memory.batch_size > 1 ? "a smaller --batch-size needs less"
                               : "close other programs, or use a larger machine");
  }
  const std::uint64_t useful = 2 * one_scan * static_cast<std::uint64_t>(memory.jobs);
  return std::min(useful, one_scan + (memory.available_bytes - needed) / 2);
}

}  // namespace pillar
