// That a GPU which the CPU computes (device/gpu_on_cpu/machine.h) sees what would go wrong on a real one.
#include "device/shared/cuda_module.h"
#include "device/shared/cuda_tensor.h"
#include "device/shared/queued_copy.h"
#include "device/shared/recorded_work.h"
#include "support/expect_error.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

const at::Device kGpu(at::kCUDA, 0);

class Machine : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(cuda_available()) << cuda_missing(); }
  static c10::impl::VirtualGuardImpl gpu() { return c10::impl::VirtualGuardImpl(at::kCUDA); }
};

template <typename Call>
void expect_refused(const Call& call, const char* words) {
  try {
    call();
    ADD_FAILURE() << "nothing was said of: " << words;
  } catch (const c10::Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(words));
  }
}

TEST_F(Machine, ComputesWhatACpuDoes) {
  const at::Tensor a = at::rand({5, 7}), b = at::rand({7, 3});
  EXPECT_TRUE(at::matmul(a.to(kGpu), b.to(kGpu)).cpu().equal(at::matmul(a, b)));
  at::Tensor there = a.to(kGpu);
  const at::Tensor part = there.narrow(0, 1, 2);
  part.fill_(4);
  EXPECT_EQ(there.cpu()[2][0].item<float>(), 4) << "a view is of other memory";
}

TEST_F(Machine, MemoryIsNaNUntilItIsWritten) {
  EXPECT_TRUE(at::empty({3}, at::TensorOptions(at::kFloat).device(kGpu)).isnan().all().item<bool>());
}

TEST_F(Machine, ATensorOfTheCpuIsRefused) {
  const at::Tensor there = at::ones({3}).to(kGpu);
  const at::Tensor other = at::ones({3}).to(at::Device(at::kCUDA, 1));
  // Where LibTorch looks itself, and where it leaves that to the device's own code.
  for (const at::Tensor& wrong : {at::ones({3}), other}) {
    expect_refused([&] { there + wrong; }, "on the same device");
    expect_refused([&] { at::mm(there.view({1, 3}), wrong.view({3, 1})); }, "on the same device");
  }
  EXPECT_EQ((there + at::full({}, 2)).sum().item<float>(), 9);  // one number may be of the CPU
}

TEST_F(Machine, KernelsAreGivenMemoryOfTheDevice) {
  const at::Tensor cpu = at::rand({1, 2, 2, 2, 4}), there = cpu.to(kGpu);
  PillarCudaMaxPoolJob job = {};
  job.batch = 1, job.channels = 4;
  for (int axis = 0; axis < 3; ++axis) job.size_dhw[axis] = 2, job.by_dhw[axis] = 2;
  const at::Tensor out = at::empty({1, 1, 1, 1, 4}, there.options());
  job.x = there.const_data_ptr<float>();
  job.out = out.mutable_data_ptr<float>();
  EXPECT_EQ(cuda_module().max_pool(&job, nullptr), 0);
  EXPECT_TRUE(out.cpu().flatten().equal(cpu.view({8, 4}).amax(0)));
  job.x = cpu.const_data_ptr<float>();
  const int code = cuda_module().max_pool(&job, nullptr);
  EXPECT_THAT(cuda_module().error(code), HasSubstr("illegal memory access"));
}

TEST_F(Machine, CopiesFromPinnedMemoryArePutOff) {
  const at::Tensor pinned = staging({4}, at::kFloat, kGpu);
  pinned.fill_(1);
  const at::Tensor there = pinned.to(kGpu, /*non_blocking=*/true);
  pinned.fill_(2);  // too early
  EXPECT_EQ(there.cpu()[0].item<float>(), 2);
  const at::Tensor back = staging({4}, at::kFloat, kGpu);
  at::Tensor(back).copy_(there, /*non_blocking=*/true);
  EXPECT_TRUE(back.isnan().all().item<bool>()) << "read before it was waited for";
  gpu().synchronizeStream(gpu().getStream(kGpu));
  EXPECT_EQ(back[0].item<float>(), 2);
}

TEST_F(Machine, ACopyWaitsForNothingQueuedAfterIt) {
  const at::Tensor there = at::ones({4}).to(kGpu), later = staging({4}, at::kFloat, kGpu);
  const QueuedCopy copy(there);
  at::Tensor(later).copy_(there, /*non_blocking=*/true);
  EXPECT_EQ(copy.wait().sum().item<float>(), 4);
  EXPECT_TRUE(later.isnan().all().item<bool>()) << "all that is queued was waited for";
  EXPECT_TRUE(QueuedCopy(later).wait().is_same(later)) << "of the CPU there is nothing to wait for";
}

TEST_F(Machine, AQueueWaitsForWhatItUsesOfAnother) {
  const c10::Stream here = gpu().getStream(kGpu), aside = gpu().getStreamFromGlobalPool(kGpu);
  at::Tensor made;
  {
    const c10::StreamGuard guard(aside);
    made = at::ones({4}, at::TensorOptions().device(kGpu));
  }
  expect_refused([&] { made + 1; }, "without having waited for it");
  c10::Event done(at::kCUDA);
  done.record(aside);
  done.block(here);
  EXPECT_EQ((made + 1).sum().item<float>(), 8);
  made.record_stream(here);
}

TEST_F(Machine, MemoryOfAnotherQueueIsRecordedBeforeItIsFreed) {
  const auto free_it = [&](bool recorded) {
    const c10::Stream here = gpu().getStream(kGpu), aside = gpu().getStreamFromGlobalPool(kGpu);
    at::Tensor made;
    {
      const c10::StreamGuard guard(aside);
      made = at::ones({4}, at::TensorOptions().device(kGpu));
    }
    c10::Event done(at::kCUDA);
    done.record(aside);
    done.block(here);
    const at::Tensor used = made + 1;
    if (recorded) made.record_stream(here);
  };
  free_it(true);
  EXPECT_DEATH(free_it(false), "was freed while another queue works on it");
}

TEST_F(Machine, WorkIsRecordedAndReplayed) {
  const at::Tensor in = at::ones({2, 2}).to(kGpu), weight = at::full({2, 2}, 3.0).to(kGpu);
  int calls = 0;
  const RecordedWork work(kGpu, "a product", [&] {
    ++calls;
    const at::Tensor product = at::matmul(in, weight);
    return (product + 1).relu_();
  });
  EXPECT_EQ(calls, 3);
  at::empty({64}, in.options()).fill_(-7);  // memory that the recording let go of is not given away
  for (const float value : {2.0F, 5.0F}) {
    at::Tensor(in).fill_(value);
    EXPECT_EQ(work.replay().cpu()[1][1].item<float>(), 6 * value + 1);
  }
  EXPECT_EQ(calls, 3);
}

TEST_F(Machine, WorkThatWaitsIsNotRecorded) {
  const at::Tensor in = at::ones({2}).to(kGpu);
  for (const std::function<at::Tensor()>& work :
       {std::function<at::Tensor()>([&] { return in * in.sum().item<float>(); }),
        std::function<at::Tensor()>([&] { return in * at::ones({2}).to(kGpu); })}) {
    EXPECT_PILLAR_ERROR(RecordedWork(kGpu, "this sum", work), ErrorCategory::unsupported,
                        HasSubstr("this sum cannot be recorded as a CUDA graph: CUDA error: operation not "
                                  "permitted when stream is capturing"));
    EXPECT_EQ(work().sum().item<float>() > 0, true) << "the machine goes on";
  }
}

TEST_F(Machine, Tf32Rounds) {
  const at::Tensor a = at::full({1, 1}, 1.0 + 0x1p-12).to(kGpu), one = at::ones({1, 1}).to(kGpu);
  EXPECT_NE(at::matmul(a, one).item<float>(), 1);
  at::globalContext().setAllowTF32CuBLAS(true);
  EXPECT_EQ(at::matmul(a, one).item<float>(), 1);
  at::globalContext().setAllowTF32CuBLAS(false);
}

}  // namespace
}  // namespace pillar
