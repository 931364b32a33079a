// Compiled with AVX2 and FMA on; called only where the processor has them (winograd.cc).
#include "model/encoder/winograd_kernel.h"

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

namespace pillar {
namespace {

struct Avx2 {
  typedef float Vec __attribute__((vector_size(32)));
  using Weights = Vec;
  using Element = float;
  static constexpr int kLanes = 8, kRows = 4, kDepth = 1;
  static Vec load(const float* p) { return (Vec)_mm256_loadu_ps(p); }
  static void store(float* p, Vec v) { _mm256_storeu_ps(p, (__m256)v); }
  static void store_element(Element* p, Vec v) { store(p, v); }
  static Weights load_weights(const Element* p) { return load(p); }
  static Vec broadcast(const Element* p) { return (Vec)_mm256_set1_ps(*p); }
  static Vec multiply_add(Vec sum, Vec x, Weights w) {
    return (Vec)_mm256_fmadd_ps((__m256)x, (__m256)w, (__m256)sum);
  }
};

constexpr WinogradKernel kKernel = {"avx2", 16, false, Winograd<Avx2, 2>::scratch_bytes,
                                    Winograd<Avx2, 2>::run};

}  // namespace

const WinogradKernel* winograd_avx2(std::int64_t) {
  return &kKernel;
}

}  // namespace pillar
#else
namespace pillar {
const WinogradKernel* winograd_avx2(std::int64_t) {
  return nullptr;
}
}  // namespace pillar
#endif
