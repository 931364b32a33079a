// libpillar_cuda.so for gpu_on_cpu: our kernels by cuda_on_cpu, once it is known that each address that they
// are given is the device's and may be used now. (Those of cuda_on_cpu have other names here,
// CMakeLists.txt.)
#include "device/shared/cuda_abi.h"
#include "machine.h"

#include <cstdio>
#include <mutex>

#include <c10/util/Exception.h>

extern "C" {
int cpu_windows(const PillarCudaWindowsJob* job, void* stream);
int cpu_layer_norm(const PillarCudaLayerNormJob* job, void* stream);
int cpu_epilogue(const PillarCudaEpilogueJob* job, void* stream);
int cpu_max_pool(const PillarCudaMaxPoolJob* job, void* stream);
int cpu_merge(const PillarCudaMergeJob* job, void* stream);
const char* cpu_error(int code);
}

namespace {

constexpr int kRefused = 700;  // cudaErrorIllegalAddress

// Grids of cuda_on_cpu run one at a time.
template <typename Job, typename Kernel>
int run(const Job* job, void* stream, std::initializer_list<const void*> reads,
        std::initializer_list<const void*> writes, const Kernel& kernel) {
  static std::mutex one;
  gpu_on_cpu::Work work;
  for (const void* address : reads) {
    if (address != nullptr) work.reads.push_back(address);
  }
  for (const void* address : writes) {
    if (address != nullptr) work.writes.push_back(address);
  }
  try {
    gpu_on_cpu::count_operator();
    gpu_on_cpu::begin_work(
        {static_cast<c10::DeviceIndex>(job->device), reinterpret_cast<c10::StreamId>(stream)}, work);
  } catch (const c10::Error& error) {
    std::fprintf(stderr, "%s\n", error.what_without_backtrace());
    return kRefused;
  }
  Job of_first = *job;  // cuda_on_cpu has one device
  of_first.device = 0;
  const auto go = [of_first, &kernel] {
    const std::lock_guard lock(one);
    return kernel(&of_first, nullptr);
  };
  gpu_on_cpu::record([go] { go(); });
  return go();
}

}  // namespace

extern "C" {

std::int32_t pillar_cuda_abi() {
  return kPillarCudaAbi;
}
int pillar_cuda_windows(const PillarCudaWindowsJob* job, void* stream) {
  return run(job, stream, {job->voxels, job->maps}, {job->out}, cpu_windows);
}
int pillar_cuda_layer_norm(const PillarCudaLayerNormJob* job, void* stream) {
  return run(job, stream, {job->x, job->delta, job->weight, job->bias}, {job->sum, job->out}, cpu_layer_norm);
}
int pillar_cuda_epilogue(const PillarCudaEpilogueJob* job, void* stream) {
  return run(job, stream, {job->bias, job->residual, job->x}, {job->x}, cpu_epilogue);
}
int pillar_cuda_max_pool(const PillarCudaMaxPoolJob* job, void* stream) {
  return run(job, stream, {job->x}, {job->out}, cpu_max_pool);
}
int pillar_cuda_merge(const PillarCudaMergeJob* job, void* stream) {
  return run(job, stream, {job->out, job->lse, job->other, job->other_lse}, {job->out, job->merged_lse},
             cpu_merge);
}
const char* pillar_cuda_error(int code) {
  return code == kRefused ? "an illegal memory access was encountered" : cpu_error(code);
}
}
