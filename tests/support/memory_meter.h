// How much memory of LibTorch's a piece of code holds on the CPU.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace pillar::test {

// Counts what this thread allocates and frees while it lives. What was there before does not count.
class MemoryMeter {
 public:
  MemoryMeter() : guard_(c10::DebugInfoKind::PROFILER_STATE, count_) {}
  std::int64_t held_bytes() const { return count_->held; }
  std::int64_t peak_bytes() const { return count_->peak; }
  void restart_peak() { count_->peak = count_->held; }

 private:
  struct Count : c10::MemoryReportingInfoBase {
    void reportMemoryUsage(void* /*block*/, std::int64_t bytes, std::size_t /*allocated*/,
                           std::size_t /*reserved*/, c10::Device /*device*/) override {
      held += bytes;
      peak = std::max(peak, held);
    }
    bool memoryProfilingEnabled() const override { return true; }
    std::int64_t held = 0, peak = 0;
  };
  std::shared_ptr<Count> count_ = std::make_shared<Count>();
  c10::DebugInfoGuard guard_;
};

}  // namespace pillar::test
