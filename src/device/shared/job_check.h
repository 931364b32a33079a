// Internal: what is wrong with a job before anything is launched. Plain C++, for a compiler that has no CUDA.
#pragma once

#include "device/shared/cuda_abi.h"

#include <initializer_list>

namespace pillar::cuda {

struct Fault {
  int code;
  const char* text;
};

inline constexpr Fault kFaults[] = {{-1, "no job"},
                                    {-2, "a null pointer"},
                                    {-3, "a size below 1"},
                                    {-4, "more than 64 output channels"},
                                    {-5, "more elements than an index holds"},
                                    {-6, "an input of a type that it is not made for"},
                                    {-7, "an output that is neither float32, bfloat16 nor float16"},
                                    {-8, "pointers that are not aligned for their type"},
                                    {-9, "a device below 0"},
                                    {-10, "more than 65535 input channels in all samples"},
                                    {-11, "fewer output channels than windows, or more and not innermost"},
                                    {-12, "rows of a width that it is not made for"},
                                    {-13, "blocks larger than the grid"}};

inline const char* fault_text(int code) {
  for (const Fault& fault : kFaults) {
    if (fault.code == code) return fault.text;
  }
  return "unknown fault";
}

inline std::int64_t bytes_of(PillarCudaType type) {
  return type == PILLAR_CUDA_FLOAT32 ? 4 : 2;
}

inline bool is_float(PillarCudaType type) {
  return type == PILLAR_CUDA_FLOAT32 || type == PILLAR_CUDA_BFLOAT16 || type == PILLAR_CUDA_FLOAT16;
}

inline bool is_aligned(const void* pointer, std::int64_t bytes) {
  return reinterpret_cast<std::uintptr_t>(pointer) % static_cast<std::uintptr_t>(bytes) == 0;
}

// Sizes at least 1 whose product an index holds: 0, -3 or -5.
inline int check_sizes(std::initializer_list<std::int64_t> sizes) {
  std::int64_t left = std::int64_t{1} << 48;
  for (const std::int64_t size : sizes) {
    if (size < 1) return -3;
  }
  for (const std::int64_t size : sizes) {
    if (size > left) return -5;
    left /= size;
  }
  return 0;
}

// 0, or the code of a fault.
inline int check(const PillarCudaWindowsJob* job) {
  constexpr std::int64_t kMostRows = 65535;
  if (job == nullptr) return -1;
  if (job->voxels == nullptr || job->maps == nullptr || job->out == nullptr) return -2;
  const int small = check_sizes({job->samples, job->channels, job->windows, job->voxels_per_channel});
  if (small == -3) return small;
  const std::int64_t most = kPillarCudaMostChannels;
  if (job->channels > most || job->windows > most || job->out_channels > most ||
      job->channels * job->windows > most) {
    return -4;
  }
  if (job->samples > kMostRows || job->samples * job->channels > kMostRows) return -10;
  const std::int64_t all = job->channels * job->windows;
  if (job->out_channels < all || (job->channels_last == 0 && job->out_channels > all)) return -11;
  if (const int large = check_sizes({job->samples, job->out_channels, job->voxels_per_channel}); large != 0)
    return large;
  const PillarCudaType in = job->voxel_type;
  if (in != PILLAR_CUDA_INT16 && in != PILLAR_CUDA_UINT16 && in != PILLAR_CUDA_FLOAT32) return -6;
  if (!is_float(job->out_type)) return -7;
  if (!is_aligned(job->voxels, bytes_of(in)) || !is_aligned(job->out, bytes_of(job->out_type)) ||
      !is_aligned(job->maps, 4)) {
    return -8;
  }
  return job->device < 0 ? -9 : 0;
}

// Rows of these are read four numbers at a time.
inline int check(const PillarCudaLayerNormJob* job) {
  if (job == nullptr) return -1;
  if (job->x == nullptr || job->weight == nullptr || job->bias == nullptr || job->out == nullptr ||
      (job->delta == nullptr) != (job->sum == nullptr)) {
    return -2;
  }
  if (const int fault = check_sizes({job->rows, job->width}); fault != 0) return fault;
  if (job->width % 4 != 0 || job->width > kPillarCudaWidestRow) return -12;
  if (!is_float(job->out_type)) return -7;
  const bool fits =
      job->x_type == PILLAR_CUDA_FLOAT32 || (job->delta == nullptr && job->x_type == job->out_type);
  if (!fits) return -6;
  const std::int64_t in = 4 * bytes_of(job->x_type), out = 4 * bytes_of(job->out_type);
  if (!is_aligned(job->x, in) || !is_aligned(job->delta, out) || !is_aligned(job->sum, 16) ||
      !is_aligned(job->weight, 16) || !is_aligned(job->bias, 16) || !is_aligned(job->out, out)) {
    return -8;
  }
  return job->device < 0 ? -9 : 0;
}

inline int check(const PillarCudaEpilogueJob* job) {
  if (job == nullptr) return -1;
  if (job->x == nullptr) return -2;
  if (const int fault = check_sizes({job->rows, job->channels}); fault != 0) return fault;
  if (job->channels % 8 != 0) return -12;
  if (!is_float(job->type)) return -6;
  if (!is_aligned(job->x, 16) || !is_aligned(job->residual, 16) || !is_aligned(job->bias, 16)) return -8;
  return job->device < 0 ? -9 : 0;
}

inline int check(const PillarCudaMaxPoolJob* job) {
  if (job == nullptr) return -1;
  if (job->x == nullptr || job->out == nullptr) return -2;
  const std::int64_t *size = job->size_dhw, *by = job->by_dhw;
  if (const int fault = check_sizes({job->batch, size[0], size[1], size[2], job->channels}); fault != 0)
    return fault;
  if (const int fault = check_sizes({by[0], by[1], by[2]}); fault != 0) return fault;
  if (by[0] > size[0] || by[1] > size[1] || by[2] > size[2]) return -13;
  if (job->channels % 4 != 0) return -12;
  if (!is_aligned(job->x, 16) || !is_aligned(job->out, 16)) return -8;
  return job->device < 0 ? -9 : 0;
}

inline int check(const PillarCudaMergeJob* job) {
  if (job == nullptr) return -1;
  if (job->out == nullptr || job->lse == nullptr || job->other == nullptr || job->other_lse == nullptr ||
      job->merged_lse == nullptr) {
    return -2;
  }
  if (const int fault = check_sizes({job->rows, job->width}); fault != 0) return fault;
  if (job->width % 4 != 0) return -12;
  if (!is_float(job->type)) return -6;
  const std::int64_t pack = 4 * bytes_of(job->type);
  if (!is_aligned(job->out, pack) || !is_aligned(job->other, pack) || !is_aligned(job->lse, 4) ||
      !is_aligned(job->other_lse, 4) || !is_aligned(job->merged_lse, 4)) {
    return -8;
  }
  return job->device < 0 ? -9 : 0;
}

}  // namespace pillar::cuda
