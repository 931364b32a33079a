#include "device/shared/profiled_range.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <torch/csrc/profiler/stubs/base.h>

namespace pillar {
namespace {

using torch::profiler::impl::cudaStubs;
using torch::profiler::impl::ProfilerStubs;
using torch::profiler::impl::ProfilerVoidEventStub;
using torch::profiler::impl::registerCUDAMethods;

// In the place of NVTX, while it lives.
class WrittenRanges : public ProfilerStubs {
 public:
  WrittenRanges() : before_(cudaStubs()) { registerCUDAMethods(this); }
  ~WrittenRanges() override { registerCUDAMethods(const_cast<ProfilerStubs*>(before_)); }
  void record(c10::DeviceIndex*, ProfilerVoidEventStub*, std::int64_t*) const override {}
  float elapsed(const ProfilerVoidEventStub*, const ProfilerVoidEventStub*) const override { return 0; }
  void mark(const char*) const override {}
  void rangePush(const char* name) const override { seen.emplace_back(name); }
  void rangePop() const override { seen.emplace_back("end"); }
  bool enabled() const override { return is_enabled; }
  void onEachDevice(std::function<void(int)>) const override {}
  void synchronize() const override {}

  bool is_enabled = true;
  mutable std::vector<std::string> seen;

 private:
  const ProfilerStubs* before_;
};

void run_nested(at::Device device) {
  const ProfiledRange outer("stem", device);
  const ProfiledRange inner(std::string("stage ") + "0", device);
}

TEST(ProfiledRange, OpensAndClosesAsItIsNested) {
  const WrittenRanges ranges;
  run_nested(at::Device(at::kCUDA, 0));
  EXPECT_THAT(ranges.seen, testing::ElementsAre("stem", "stage 0", "end", "end"));
}

TEST(ProfiledRange, IsNothingWithoutAGpu) {
  run_nested(at::Device(at::kCUDA, 0));  // LibTorch's own stand-in would throw
  WrittenRanges ranges;
  run_nested(at::kCPU);
  ranges.is_enabled = false;
  run_nested(at::Device(at::kCUDA, 0));
  EXPECT_THAT(ranges.seen, testing::IsEmpty());
}

}  // namespace
}  // namespace pillar
