#include "pillar/device/memory_fault.h"

#include "support/expect_error.h"

#include <new>
#include <stdexcept>

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// As LibTorch's caching allocator words it.
constexpr const char* kCudaMessage =
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which 1.10 "
    "GiB is "
    "free. Including non-PyTorch memory, this process has 77.9 GiB memory in use. Of the allocated memory 70 "
    "GiB "
    "is allocated by PyTorch";

const MemoryAdvice kAdvice = {"embedding 4 volumes at a time", 24'600'000'000,
                              "a smaller --batch-size needs less"};

// A number of bytes that no machine has.
at::Tensor too_large() {
  return at::empty({std::int64_t{1} << 60}, at::kByte);
}

TEST(MemoryFault, OnADeviceSaysWhatIsNeededAndWhatToLower) {
  const auto work = [] {
    throw c10::OutOfMemoryError({"malloc", "CUDACachingAllocator.cpp", 1}, kCudaMessage);
  };
  EXPECT_PILLAR_ERROR(
      with_memory_advice(kAdvice, work), ErrorCategory::io,
      ::testing::StrEq(
          "out of memory while embedding 4 volumes at a time, which needs about 24.6 GB: a smaller "
          "--batch-size needs less (CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total "
          "capacity of 79.10 GiB of which 1.10 GiB is free.)"));
}

TEST(MemoryFault, OfTheProcessIsToldTheSameWay) {
  const auto is_told =
      AllOf(HasSubstr("out of memory while embedding 4 volumes at a time, which needs about 24.6 GB"),
            HasSubstr("can't allocate memory"), Not(HasSubstr("\n")), Not(HasSubstr("frame #")));
  EXPECT_PILLAR_ERROR(with_memory_advice(kAdvice, [] { too_large(); }), ErrorCategory::io, is_told);
  EXPECT_PILLAR_ERROR(
      with_memory_advice({"training", 0, ""}, [] { throw std::bad_alloc(); }), ErrorCategory::io,
      ::testing::StrEq("out of memory while training (the system gives the process no more)"));
}

TEST(MemoryFault, WhatLibrariesSayWithoutATypeIsRecognised) {
  for (const char* text : {"CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
                           "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
                           "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"}) {
    const c10::Error error({"f", "f.cpp", 1}, text);
    EXPECT_TRUE(is_out_of_memory(error)) << text;
    EXPECT_TRUE(ends_all_work(error)) << text;
    EXPECT_THAT(fault_in_words(error), Not(HasSubstr("\n")));
  }
  EXPECT_FALSE(is_out_of_memory(c10::Error({"f", "f.cpp", 1}, "expected 3 dimensions")));
  EXPECT_FALSE(is_out_of_memory(std::runtime_error("a.nii: out of memory is its name")));
}

TEST(MemoryFault, AFailedGpuEndsTheWorkToo) {
  const c10::AcceleratorError error({"f", "f.cpp", 1}, 700, "CUDA error: an illegal memory access\nmore");
  EXPECT_FALSE(is_out_of_memory(error));
  EXPECT_TRUE(ends_all_work(error));
  EXPECT_PILLAR_ERROR(
      with_memory_advice({"training", 0, ""}, [&] { throw error; }), ErrorCategory::io,
      ::testing::StrEq("the GPU failed while training: CUDA error: an illegal memory access"));
}

TEST(MemoryFault, OtherFaultsPass) {
  EXPECT_THROW(with_memory_advice(kAdvice, [] { throw std::invalid_argument("x"); }), std::invalid_argument);
  EXPECT_PILLAR_ERROR(with_memory_advice(kAdvice, [] { throw Error(ErrorCategory::input, "a.csv: empty"); }),
                      ErrorCategory::input, ::testing::StrEq("a.csv: empty"));
}

}  // namespace
}  // namespace pillar
