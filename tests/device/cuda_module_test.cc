// Loading of the CUDA module, and what its interface refuses. Needs no GPU.
#include "device/shared/cuda_module.h"

#include "device/shared/job_check.h"
#include "support/expect_error.h"

#include <dlfcn.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

TEST(CudaModule, SaysWhatIsMissingOrIsThere) {
  if (cuda_available()) {
    EXPECT_NE(cuda_module().windows, nullptr);
    return;
  }
  EXPECT_PILLAR_ERROR(cuda_module(), ErrorCategory::unsupported, HasSubstr("no CUDA device can be used: "));
  // The reason is the first thing missing, in the order they are needed.
  void* driver = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) {
    EXPECT_PILLAR_ERROR(cuda_module(), ErrorCategory::unsupported, HasSubstr("libcuda.so.1"));
  }
}

// Pointers that are never followed.
PillarCudaWindowsJob good_job() {
  static float memory[16];
  static PillarCudaMap map;
  return {memory, &map, memory, 1, 1, 1, 8, PILLAR_CUDA_FLOAT32, PILLAR_CUDA_BFLOAT16, 0, 0, 1};
}

struct BadJob {
  const char* fault;
  void (*spoil)(PillarCudaWindowsJob&);
};
using Job = PillarCudaWindowsJob;
const std::vector<BadJob> kBadJobs = {
    {"a null pointer", [](Job& job) { job.voxels = nullptr; }},
    {"a null pointer", [](Job& job) { job.maps = nullptr; }},
    {"a null pointer", [](Job& job) { job.out = nullptr; }},
    {"a size below 1", [](Job& job) { job.samples = 0; }},
    {"a size below 1", [](Job& job) { job.channels = -1; }},
    {"a size below 1", [](Job& job) { job.windows = 0; }},
    {"a size below 1", [](Job& job) { job.voxels_per_channel = 0; }},
    {"more than 64 output channels", [](Job& job) { job.channels = 8, job.windows = 9; }},
    {"more than 64 output channels", [](Job& job) { job.channels = INT64_MAX; }},
    {"more than 65535 input channels", [](Job& job) { job.samples = 40000, job.channels = 2; }},
    {"more than 65535 input channels", [](Job& job) { job.samples = INT64_MAX; }},
    {"more elements than an index holds", [](Job& job) { job.voxels_per_channel = INT64_MAX; }},
    {"fewer output channels than windows", [](Job& job) { job.out_channels = 0; }},
    {"more and not innermost", [](Job& job) { job.out_channels = 8; }},
    {"more than 64 output channels", [](Job& job) { job.out_channels = 72, job.channels_last = 1; }},
    {"an input of a type", [](Job& job) { job.voxel_type = PILLAR_CUDA_FLOAT16; }},
    {"an input of a type", [](Job& job) { job.voxel_type = static_cast<PillarCudaType>(77); }},
    {"neither float32, bfloat16 nor float16", [](Job& job) { job.out_type = PILLAR_CUDA_INT16; }},
    {"not aligned", [](Job& job) { job.out = static_cast<char*>(job.out) + 1; }},
    {"not aligned", [](Job& job) { job.voxels = static_cast<const char*>(job.voxels) + 2; }},
    {"a device below 0", [](Job& job) { job.device = -1; }}};

TEST(CudaAbi, ArgumentsAreChecked) {
  const Job good = good_job();
  EXPECT_EQ(cuda::check(&good), 0);
  EXPECT_STREQ(cuda::fault_text(cuda::check(static_cast<const Job*>(nullptr))), "no job");
  for (const BadJob& bad : kBadJobs) {
    Job job = good_job();
    bad.spoil(job);
    EXPECT_LT(cuda::check(&job), 0) << bad.fault;
    EXPECT_THAT(cuda::fault_text(cuda::check(&job)), HasSubstr(bad.fault));
  }
}

template <typename JobOf>
void expect_faults(const JobOf& good, const std::vector<std::pair<const char*, void (*)(JobOf&)>>& bad) {
  EXPECT_EQ(cuda::check(&good), 0);
  EXPECT_STREQ(cuda::fault_text(cuda::check(static_cast<const JobOf*>(nullptr))), "no job");
  for (const auto& [fault, spoil] : bad) {
    JobOf job = good;
    spoil(job);
    EXPECT_THAT(cuda::fault_text(cuda::check(&job)), HasSubstr(fault));
  }
}

TEST(CudaAbi, ArgumentsOfRowsAreChecked) {
  alignas(16) static float memory[16];
  using Norm = PillarCudaLayerNormJob;
  expect_faults<Norm>({memory, nullptr, nullptr, memory, memory, memory, 1, 8, PILLAR_CUDA_FLOAT32,
                       PILLAR_CUDA_BFLOAT16, 0, 0},
                      {{"a null pointer", [](Norm& job) { job.x = nullptr; }},
                       {"a null pointer", [](Norm& job) { job.delta = memory; }},
                       {"a null pointer", [](Norm& job) { job.sum = memory; }},
                       {"a size below 1", [](Norm& job) { job.rows = 0; }},
                       {"more elements", [](Norm& job) { job.rows = INT64_MAX; }},
                       {"rows of a width", [](Norm& job) { job.width = 6; }},
                       {"rows of a width", [](Norm& job) { job.width = 1028; }},
                       {"an input of a type", [](Norm& job) { job.x_type = PILLAR_CUDA_FLOAT16; }},
                       {"an output that is neither", [](Norm& job) { job.out_type = PILLAR_CUDA_INT16; }},
                       {"not aligned", [](Norm& job) { job.x = memory + 1; }},
                       {"a device below 0", [](Norm& job) { job.device = -1; }}});
  using Epilogue = PillarCudaEpilogueJob;
  expect_faults<Epilogue>({memory, nullptr, nullptr, 1, 8, PILLAR_CUDA_FLOAT32, PILLAR_CUDA_RELU, 0},
                          {{"a null pointer", [](Epilogue& job) { job.x = nullptr; }},
                           {"rows of a width", [](Epilogue& job) { job.channels = 12; }},
                           {"an input of a type", [](Epilogue& job) { job.type = PILLAR_CUDA_INT16; }},
                           {"not aligned", [](Epilogue& job) { job.bias = memory + 1; }}});
  using Merge = PillarCudaMergeJob;
  expect_faults<Merge>({memory, memory, memory, memory, memory, 1, 8, PILLAR_CUDA_BFLOAT16, 0},
                       {{"a null pointer", [](Merge& job) { job.other_lse = nullptr; }},
                        {"rows of a width", [](Merge& job) { job.width = 7; }},
                        {"an input of a type", [](Merge& job) { job.type = PILLAR_CUDA_UINT16; }},
                        {"not aligned", [](Merge& job) { job.out = memory + 1; }}});
  using Pool = PillarCudaMaxPoolJob;
  expect_faults<Pool>({memory, memory, 1, {1, 2, 2}, {1, 2, 1}, 4, 0},
                      {{"a size below 1", [](Pool& job) { job.by_dhw[2] = 0; }},
                       {"blocks larger than the grid", [](Pool& job) { job.by_dhw[0] = 2; }},
                       {"rows of a width", [](Pool& job) { job.channels = 2; }},
                       {"not aligned", [](Pool& job) { job.out = memory + 2; }}});
}

TEST(CudaAbi, TheModuleChecksBeforeItLaunches) {
  Dl_info here = {};
  ASSERT_NE(::dladdr(reinterpret_cast<const void*>(&cuda_available), &here), 0);
  const auto file = std::filesystem::path(here.dli_fname).parent_path() / "libpillar_cuda.so";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "this build has no CUDA module (no nvcc was found)";
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << ::dlerror();
  const auto abi = reinterpret_cast<decltype(&pillar_cuda_abi)>(::dlsym(library, "pillar_cuda_abi"));
  const auto windows =
      reinterpret_cast<decltype(&pillar_cuda_windows)>(::dlsym(library, "pillar_cuda_windows"));
  const auto text = reinterpret_cast<decltype(&pillar_cuda_error)>(::dlsym(library, "pillar_cuda_error"));
  ASSERT_TRUE(abi != nullptr && windows != nullptr && text != nullptr);
  EXPECT_EQ(abi(), kPillarCudaAbi);
  EXPECT_STREQ(text(windows(nullptr, nullptr)), "no job");
  for (const BadJob& bad : kBadJobs) {
    Job job = good_job();
    bad.spoil(job);
    EXPECT_THAT(text(windows(&job, nullptr)), HasSubstr(bad.fault));
  }
  if (!cuda_available()) {
    const Job good = good_job();
    EXPECT_GT(windows(&good, nullptr), 0) << "no device, and yet no error";
  }
}

}  // namespace
}  // namespace pillar
