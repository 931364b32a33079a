#include "windows/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// kernel_loops.inc is compiled once for each instruction set. It uses nothing of the standard library but
// integer types: an inline function of it compiled with AVX-512 here could be the copy that the linker keeps
// for everyone.

namespace pillar::windows {

namespace portable {
namespace {
#include "windows/kernel_loops.inc"
}
}  // namespace portable

#if defined(__x86_64__) && defined(__GNUC__)
#define PILLAR_X86_KERNELS

#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2")
namespace avx2 {
namespace {
#include "windows/kernel_loops.inc"
}
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
namespace avx512 {
namespace {
#include "windows/kernel_loops.inc"
}
}  // namespace avx512
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
namespace avx512_bf16 {
namespace {
#include "windows/kernels_avx512_bf16.inc"
}
}  // namespace avx512_bf16
#pragma GCC pop_options

#endif

namespace {

constexpr Kernels kPortable = portable::table("portable");

#ifdef PILLAR_X86_KERNELS
constexpr Kernels kAvx2 = avx2::table("AVX2");
constexpr Kernels kAvx512 = avx512::table("AVX-512");
constexpr Kernels kAvx512Bf16 = avx512_bf16::table("AVX-512 with bfloat16");

bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi2") != 0;
}

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
}
#endif

}  // namespace

const Kernels* kernel_set(int index) {
  if (index == 0) return &kPortable;
#ifdef PILLAR_X86_KERNELS
  if (index == 1 && has_avx2()) return &kAvx2;
  if (index == 2 && has_avx512()) return &kAvx512;
  if (index == 3 && has_avx512() && __builtin_cpu_supports("avx512bf16") != 0) return &kAvx512Bf16;
#endif
  return nullptr;
}

const Kernels& kernels() {
  static const Kernels* const widest = [] {
    const Kernels* found = kernel_set(0);
    for (int i = 1; const Kernels* next = kernel_set(i); ++i) found = next;
    return found;
  }();
  return *widest;
}

}  // namespace pillar::windows
