// Internal: what is wrong with a job before anything is launched. Plain C++, for a compiler that has no CUDA.
#pragma once

#include "device/shared/cuda_abi.h"

namespace pillar::cuda {

struct Fault {
  int code;
  const char* text;
};

inline constexpr Fault kFaults[] = {{-1, "no job"},
                                    {-2, "a null pointer"},
                                    {-3, "a size below 1"},
                                    {-4, "more than 64 output channels"},
                                    {-5, "more voxels than an index holds"},
                                    {-6, "voxels that are neither int16, uint16 nor float32"},
                                    {-7, "an output that is neither float32, bfloat16 nor float16"},
                                    {-8, "pointers that are not aligned for their type"},
                                    {-9, "a device below 0"},
                                    {-10, "more than 65535 input channels in all samples"}};

inline const char* fault_text(int code) {
  for (const Fault& fault : kFaults) {
    if (fault.code == code) return fault.text;
  }
  return "unknown fault";
}

inline std::int64_t bytes_of(PillarCudaType type) {
  return type == PILLAR_CUDA_FLOAT32 ? 4 : 2;
}

inline bool is_aligned(const void* pointer, std::int64_t bytes) {
  return reinterpret_cast<std::uintptr_t>(pointer) % static_cast<std::uintptr_t>(bytes) == 0;
}

// 0, or the code of a fault.
inline int check(const PillarCudaWindowsJob* job) {
  constexpr std::int64_t kMostElements = std::int64_t{1} << 48, kMostRows = 65535;
  if (job == nullptr) return -1;
  if (job->voxels == nullptr || job->maps == nullptr || job->out == nullptr) return -2;
  const std::int64_t sizes[] = {job->samples, job->channels, job->windows, job->voxels_per_channel};
  for (const std::int64_t size : sizes) {
    if (size < 1) return -3;
  }
  if (job->channels > kPillarCudaMostChannels || job->windows > kPillarCudaMostChannels ||
      job->channels * job->windows > kPillarCudaMostChannels) {
    return -4;
  }
  if (job->samples > kMostRows || job->samples * job->channels > kMostRows) return -10;
  if (job->voxels_per_channel > kMostElements / (job->samples * job->channels * job->windows)) return -5;
  const PillarCudaType in = job->voxel_type, out = job->out_type;
  if (in != PILLAR_CUDA_INT16 && in != PILLAR_CUDA_UINT16 && in != PILLAR_CUDA_FLOAT32) return -6;
  if (out != PILLAR_CUDA_FLOAT32 && out != PILLAR_CUDA_BFLOAT16 && out != PILLAR_CUDA_FLOAT16) return -7;
  if (!is_aligned(job->voxels, bytes_of(in)) || !is_aligned(job->out, bytes_of(out)) ||
      !is_aligned(job->maps, 4)) {
    return -8;
  }
  return job->device < 0 ? -9 : 0;
}

}  // namespace pillar::cuda
