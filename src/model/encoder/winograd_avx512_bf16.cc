// Compiled with AVX-512 BF16 on; called only where the processor has it (winograd.cc). Inputs and weights are
// rounded to bfloat16 after their transforms, sums stay float32.
#include "model/encoder/winograd_kernel.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>

namespace pillar {
namespace {

struct Avx512Bf16 {
  typedef float Vec __attribute__((vector_size(64)));
  using Weights = __m512i;
  using Element = std::uint16_t;
  static constexpr int kLanes = 16, kRows = 8, kDepth = 2;
  static Vec load(const float* p) { return (Vec)_mm512_loadu_ps(p); }
  static void store(float* p, Vec v) { _mm512_storeu_ps(p, (__m512)v); }
  static void store_element(Element* p, Vec v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh((__m512)v));
  }
  static Weights load_weights(const Element* p) { return _mm512_loadu_si512(p); }
  static __m512i broadcast(const Element* p) {
    int pair;
    std::memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
  }
  static Vec multiply_add(Vec sum, __m512i x, Weights w) {
    return (Vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)w);
  }
};

template <int kPanels>
constexpr WinogradKernel kKernel = {"avx512_bf16", 16 * kPanels, true,
                                    Winograd<Avx512Bf16, kPanels>::scratch_bytes,
                                    Winograd<Avx512Bf16, kPanels>::run};

}  // namespace

const WinogradKernel* winograd_avx512_bf16(std::int64_t out_channels) {
  if (out_channels % 48 == 0) return &kKernel<3>;
  return out_channels % 32 == 0 ? &kKernel<2> : &kKernel<1>;
}

}  // namespace pillar
#else
namespace pillar {
const WinogradKernel* winograd_avx512_bf16(std::int64_t) {
  return nullptr;
}
}  // namespace pillar
#endif
