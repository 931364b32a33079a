// Internal: what the kernels of the bfloat16 pass work on. Plain data only: no function may be shared between
// objects built for different instruction sets.
#pragma once

#include <cstdint>

namespace pillar {

constexpr std::int64_t kHalfRows = 8;         // of one tile of a product
constexpr std::int64_t kHalfColumns = 48;     // of one tile: three registers
constexpr std::int64_t kHalfLanes = 16;       // float32 of one register; questions are padded to it
constexpr std::int64_t kHalfBlockRows = 256;  // a block's embeddings and derivatives stay in the L2 cache

// Elements are bfloat16 in 16 bits. Memory is aligned to 64 bytes, but for rows and answers.
struct HalfJob {
  std::int64_t questions = 0, width = 0;
  std::int64_t padded_questions = 0;  // a multiple of kHalfLanes
  std::int64_t pairs = 0;             // of columns: ceil(width / 2)
  std::int64_t block_row_stride = 0;  // elements of a row of a block's copy, at least panels x kHalfColumns
  const std::uint16_t* x = nullptr;   // (N, 2 pairs) less the columns' means, zero past the width
  const float* mean = nullptr;        // (width)
  const std::int8_t* answers = nullptr;    // (N, questions)
  const std::uint16_t* weights = nullptr;  // panels of kHalfColumns questions (the last 16, 32 or 48) of
                                           // (pairs, questions of the panel, 2)
  const float* bias = nullptr;             // (padded_questions) with the means' share of the logits
  const float* positive_weight = nullptr;  // (padded_questions)
};

struct HalfBlock {
  const std::int64_t* rows = nullptr;   // (count)
  std::int64_t count = 0;               // 1 to kHalfBlockRows
  bool first = false;                   // of its part: gradients are written, not added to
  std::uint16_t* x = nullptr;           // scratch (kHalfBlockRows, block_row_stride), zero past 2 pairs
  std::uint16_t* derivative = nullptr;  // scratch (padded_questions / 8, kHalfBlockRows / 2, 8, 2)
  std::uint16_t* panel = nullptr;       // scratch (kHalfBlockRows / 2, kHalfColumns, 2)
  float* gradient = nullptr;        // (panels of kHalfColumns columns, ceil(questions / 8), 8, kHalfColumns)
  double* bias_gradient = nullptr;  // (padded_questions)
};

struct HalfWeights {
  const float* weight_qd = nullptr;  // (questions, width)
  const float* bias_q = nullptr;
};

struct HalfKernel {
  // Questions [first, last) to where they belong in job.weights and job.bias, which are `packed` and `bias`.
  void (*pack_weights)(const HalfJob& job, const HalfWeights& weights, std::int64_t first, std::int64_t last,
                       std::uint16_t* packed, float* bias);
  // Adds the block's sums to its gradients.
  void (*run)(const HalfJob& job, const HalfBlock& block);
};

// Null where the source was not built for this architecture.
const HalfKernel* half_kernel_avx512();

}  // namespace pillar
