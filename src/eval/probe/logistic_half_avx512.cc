// Compiled with AVX-512 BF16 on; called only where the processor has it (logistic_half.cc). Products of
// bfloat16 are summed in float32.
#include "eval/probe/logistic_half_kernel.h"

#if defined(__AVX512BF16__)
#include <cstring>

#include <immintrin.h>

namespace pillar {
namespace {

constexpr std::int64_t kPrefetchSteps = 12;

std::int64_t least(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

__m512i broadcast_pair(const std::uint16_t* p) {
  int pair;
  std::memcpy(&pair, p, sizeof pair);
  return _mm512_set1_epi32(pair);
}

// What is multiplied from the left: kHalfRows rows of pairs, strides in elements.
struct Left {
  const std::uint16_t* data;
  std::int64_t row_stride, step;
};

// c (kHalfRows, 16 kPanels) = or += left x b, b (depth, 16 kPanels, 2); all sums stay in registers,
// which it must not share with a caller's constants.
template <int kPanels, bool kAdd>
[[gnu::noinline]] void multiply(const Left& left, const std::uint16_t* b, std::int64_t depth, float* c) {
  __m512 sum[kHalfRows][kPanels];
#pragma GCC unroll 8
  for (int r = 0; r < kHalfRows; ++r) {
#pragma GCC unroll 3
    for (int p = 0; p < kPanels; ++p)
      sum[r][p] = kAdd ? _mm512_load_ps(c + (r * kPanels + p) * kHalfLanes) : _mm512_setzero_ps();
  }
  const std::uint16_t* a = left.data;
  for (std::int64_t k = 0; k < depth; ++k, a += left.step, b += kPanels * kHalfLanes * 2) {
    __m512bh columns[kPanels];
#pragma GCC unroll 3
    for (int p = 0; p < kPanels; ++p) {
      columns[p] = (__m512bh)_mm512_load_si512(b + p * kHalfLanes * 2);
      _mm_prefetch(reinterpret_cast<const char*>(b + (kPrefetchSteps * kPanels + p) * kHalfLanes * 2),
                   _MM_HINT_T0);
    }
#pragma GCC unroll 8
    for (int r = 0; r < kHalfRows; ++r) {
      const auto row = (__m512bh)broadcast_pair(a + r * left.row_stride);
#pragma GCC unroll 3
      for (int p = 0; p < kPanels; ++p) sum[r][p] = _mm512_dpbf16_ps(sum[r][p], row, columns[p]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kHalfRows; ++r) {
#pragma GCC unroll 3
    for (int p = 0; p < kPanels; ++p) _mm512_store_ps(c + (r * kPanels + p) * kHalfLanes, sum[r][p]);
  }
}

// 1 / (1 + exp(-z)), relative error about 1e-7 but for the last steps to 0; NaN stays NaN.
__m512 sigmoid(__m512 z) {
  // The order of operands lets NaN through.
  const __m512 x = _mm512_max_ps(_mm512_set1_ps(-87),
                                 _mm512_min_ps(_mm512_set1_ps(87), _mm512_sub_ps(_mm512_setzero_ps(), z)));
  const __m512 n =
      _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504F)), _MM_FROUND_TO_NEAREST_INT);
  // ln 2 in two parts, the first of few bits: its product with n is exact.
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375F), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4F), r);
  __m512 exp = _mm512_set1_ps(1.0F / 720);
  constexpr float kTaylor[] = {1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1.0F, 1.0F};
  for (const float coefficient : kTaylor) exp = _mm512_fmadd_ps(exp, r, _mm512_set1_ps(coefficient));
  const __m512 one = _mm512_set1_ps(1);
  return _mm512_div_ps(one, _mm512_add_ps(one, _mm512_scalef_ps(exp, n)));
}

// A row's questions in one register.
struct RowAnswers {
  const std::int8_t* answers;  // null: no such row, all left out
  __mmask16 present;
};

__m512 derivative(__m512 logits, const RowAnswers& row, __m512 yes_weight) {
  const __m128i left_out = _mm_set1_epi8(-1);
  const __m128i y = row.answers ? _mm_mask_loadu_epi8(left_out, row.present, row.answers) : left_out;
  const __mmask16 yes = _mm_cmpgt_epi8_mask(y, _mm_setzero_si128());
  const __mmask16 no = _mm_cmpeq_epi8_mask(y, _mm_setzero_si128());
  const __m512 of_yes = _mm512_maskz_mov_ps(yes, yes_weight);
  const __m512 weight = _mm512_mask_mov_ps(of_yes, no, _mm512_set1_ps(1));
  return _mm512_fmsub_ps(weight, sigmoid(logits), of_yes);
}

__m512i rounded(__m512 values) {
  return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(values));
}

// A tile of logits without bias to derivatives: rows from `row`, questions from `question`.
template <int kPanels>
void derive_tile(const HalfJob& job, const HalfBlock& block, std::int64_t row, std::int64_t question,
                 const float* logits, __m512 (&sums)[kPanels]) {
  for (int p = 0; p < kPanels; ++p) {
    const std::int64_t q = question + p * kHalfLanes;
    const std::int64_t present = least(kHalfLanes, job.questions - q);
    const auto mask = static_cast<__mmask16>((1U << present) - 1);
    const __m512 bias = _mm512_load_ps(job.bias + q), yes_weight = _mm512_load_ps(job.positive_weight + q);
    std::uint16_t* to = block.derivative + (q * kHalfBlockRows / 2 + row / 2 * kHalfRows) * 2;
    for (int r = 0; r < kHalfRows; r += 2, to += kHalfRows * 2) {
      __m512 value[2];
      for (int i = 0; i < 2; ++i) {
        const std::int64_t m = row + r + i;
        const std::int8_t* answers =
            m < block.count ? job.answers + block.rows[m] * job.questions + q : nullptr;
        const __m512 z = _mm512_add_ps(_mm512_load_ps(logits + ((r + i) * kPanels + p) * kHalfLanes), bias);
        value[i] = derivative(z, {answers, mask}, yes_weight);
      }
      sums[p] = _mm512_add_ps(sums[p], _mm512_add_ps(value[0], value[1]));
      const __m512i pairs = _mm512_or_si512(rounded(value[0]), _mm512_slli_epi32(rounded(value[1]), 16));
      _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(pairs));
      _mm256_store_si256(reinterpret_cast<__m256i*>(to + kHalfRows * kHalfBlockRows),
                         _mm512_extracti64x4_epi64(pairs, 1));
    }
  }
}

// All rows of the block, the questions of one panel of weights.
template <int kPanels>
void forward(const HalfJob& job, const HalfBlock& block, std::int64_t question) {
  __m512 sums[kPanels];
  for (int p = 0; p < kPanels; ++p) sums[p] = _mm512_setzero_ps();
  const std::uint16_t* weights = job.weights + question * job.pairs * 2;
  alignas(64) float logits[kHalfRows * kPanels * kHalfLanes];
  for (std::int64_t row = 0; row < block.count; row += kHalfRows) {
    const Left left{block.x + row * job.block_row_stride, job.block_row_stride, 2};
    multiply<kPanels, false>(left, weights, job.pairs, logits);
    derive_tile<kPanels>(job, block, row, question, logits, sums);
  }
  alignas(64) float sum[kPanels * kHalfLanes];
  for (int p = 0; p < kPanels; ++p) _mm512_store_ps(sum + p * kHalfLanes, sums[p]);
  for (std::int64_t q = 0; q < kPanels * kHalfLanes; ++q)
    block.bias_gradient[question + q] =
        (block.first ? 0 : block.bias_gradient[question + q]) + static_cast<double>(sum[q]);
}

// Rows past the last, up to a whole tile, become zero. Rows lie anywhere in memory: a few are asked for
// ahead.
void gather(const HalfJob& job, const HalfBlock& block, std::int64_t tiled_rows) {
  constexpr std::int64_t kAhead = 4, kLine = 64;
  const std::int64_t bytes = job.pairs * 4;
  for (std::int64_t m = 0; m < tiled_rows; ++m) {
    if (m + kAhead < block.count) {
      const auto* ahead = reinterpret_cast<const char*>(job.x + block.rows[m + kAhead] * job.pairs * 2);
      for (std::int64_t i = 0; i < bytes; i += kLine) _mm_prefetch(ahead + i, _MM_HINT_T0);
    }
    std::uint16_t* to = block.x + m * job.block_row_stride;
    if (m < block.count)
      std::memcpy(to, job.x + block.rows[m] * job.pairs * 2, static_cast<std::size_t>(bytes));
    else
      std::memset(to, 0, static_cast<std::size_t>(bytes));
  }
}

// kHalfColumns columns of the block, interleaved by pairs of rows.
void pack_panel(const HalfJob& job, const HalfBlock& block, std::int64_t column, std::int64_t tiled_rows) {
  std::uint16_t* to = block.panel;
  for (std::int64_t m = 0; m < tiled_rows; m += 2) {
    const std::uint16_t* even = block.x + m * job.block_row_stride + column;
    const std::uint16_t* odd = even + job.block_row_stride;
    for (int p = 0; p < kHalfColumns; p += kHalfLanes, to += kHalfLanes * 2) {
      const __m512i low =
          _mm512_cvtepu16_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(even + p)));
      const __m512i high =
          _mm512_cvtepu16_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(odd + p)));
      _mm512_store_si512(to, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
  }
}

void backward(const HalfJob& job, const HalfBlock& block, std::int64_t tiled_rows) {
  constexpr std::int64_t kTile = kHalfRows * kHalfColumns;
  float* gradient = block.gradient;
  for (std::int64_t column = 0; column < job.width; column += kHalfColumns) {
    pack_panel(job, block, column, tiled_rows);
    for (std::int64_t q = 0; q < job.questions; q += kHalfRows, gradient += kTile) {
      for (std::int64_t i = 0; i < kTile; i += kHalfLanes)
        _mm_prefetch(reinterpret_cast<const char*>(gradient + kTile + i), _MM_HINT_T0);
      const Left left{block.derivative + q * kHalfBlockRows, 2, kHalfRows * 2};
      if (block.first)
        multiply<3, false>(left, block.panel, tiled_rows / 2, gradient);
      else
        multiply<3, true>(left, block.panel, tiled_rows / 2, gradient);
    }
  }
}

void run(const HalfJob& job, const HalfBlock& block) {
  const std::int64_t tiled_rows = (block.count + kHalfRows - 1) / kHalfRows * kHalfRows;
  gather(job, block, tiled_rows);
  for (std::int64_t q = 0; q < job.padded_questions; q += kHalfColumns) {
    switch (least(kHalfColumns, job.padded_questions - q) / kHalfLanes) {
      case 1:
        forward<1>(job, block, q);
        break;
      case 2:
        forward<2>(job, block, q);
        break;
      default:
        forward<3>(job, block, q);
    }
  }
  backward(job, block, tiled_rows);
}

// One question's weights to a column of its panel, `to`; returns their product with the means.
float pack_question(const HalfJob& job, const float* from, std::int64_t columns, std::uint16_t* to) {
  const __m512i offsets =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32(static_cast<int>(columns)));
  __m512 sum = _mm512_setzero_ps();
  for (std::int64_t d = 0; d < job.width; d += 2 * kHalfLanes, to += kHalfLanes * columns * 2) {
    const std::int64_t present = least(2 * kHalfLanes, job.width - d);
    const auto mask = static_cast<std::uint32_t>((1ULL << present) - 1);
    const auto of_low = static_cast<__mmask16>(mask), of_high = static_cast<__mmask16>(mask >> 16);
    const __m512 low = _mm512_maskz_loadu_ps(of_low, from + d);
    const __m512 high = _mm512_maskz_loadu_ps(of_high, from + d + kHalfLanes);
    sum = _mm512_fmadd_ps(low, _mm512_maskz_loadu_ps(of_low, job.mean + d), sum);
    sum = _mm512_fmadd_ps(high, _mm512_maskz_loadu_ps(of_high, job.mean + d + kHalfLanes), sum);
    const auto of_pairs = static_cast<__mmask16>((1U << ((present + 1) / 2)) - 1);
    _mm512_mask_i32scatter_epi32(to, of_pairs, offsets, (__m512i)_mm512_cvtne2ps_pbh(high, low), 4);
  }
  return _mm512_reduce_add_ps(sum);
}

void pack_weights(const HalfJob& job, const HalfWeights& weights, std::int64_t first, std::int64_t last,
                  std::uint16_t* packed, float* bias) {
  for (std::int64_t q = first; q < last; ++q) {
    const std::int64_t panel = q / kHalfColumns * kHalfColumns;
    const std::int64_t columns = least(kHalfColumns, job.padded_questions - panel);
    bias[q] = weights.bias_q[q] + pack_question(job, weights.weight_qd + q * job.width, columns,
                                                packed + (panel * job.pairs + q - panel) * 2);
  }
}

constexpr HalfKernel kKernel = {pack_weights, run};

}  // namespace

const HalfKernel* half_kernel_avx512() {
  return &kKernel;
}

}  // namespace pillar
#else
namespace pillar {
const HalfKernel* half_kernel_avx512() {
  return nullptr;
}
}  // namespace pillar
#endif
