// Compiled with AVX-512 on; called only where the processor has it (winograd.cc).
#include "model/encoder/winograd_kernel.h"

#if defined(__AVX512F__)
#include <immintrin.h>

namespace pillar {
namespace {

struct Avx512 {
  typedef float Vec __attribute__((vector_size(64)));
  using Weights = Vec;
  using Element = float;
  static constexpr int kLanes = 16, kRows = 8, kDepth = 1;
  static Vec load(const float* p) { return (Vec)_mm512_loadu_ps(p); }
  static void store(float* p, Vec v) { _mm512_storeu_ps(p, (__m512)v); }
  static void store_element(Element* p, Vec v) { store(p, v); }
  static Weights load_weights(const Element* p) { return load(p); }
  static Vec broadcast(const Element* p) { return (Vec)_mm512_set1_ps(*p); }
  static Vec multiply_add(Vec sum, Vec x, Weights w) {
    return (Vec)_mm512_fmadd_ps((__m512)x, (__m512)w, (__m512)sum);
  }
};

template <int kPanels>
constexpr WinogradKernel kKernel = {"avx512", 16 * kPanels, false, Winograd<Avx512, kPanels>::scratch_bytes,
                                    Winograd<Avx512, kPanels>::run};

}  // namespace

const WinogradKernel* winograd_avx512(std::int64_t out_channels) {
  return out_channels % 32 == 0 ? &kKernel<2> : &kKernel<1>;
}

}  // namespace pillar
#else
namespace pillar {
const WinogradKernel* winograd_avx512(std::int64_t) {
  return nullptr;
}
}  // namespace pillar
#endif
