// Internal: texts of any lengths as one row of tokens, without padding.
#pragma once

#include "pillar/text/qwen3_model.h"

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// A few consecutive texts that go through a layer together.
struct TextRun {
  std::int64_t first_text = 0;
  std::int64_t first_token = 0;       // of the batch
  std::vector<std::int64_t> offsets;  // of its texts, from first_token on: texts + 1, the first is 0
  std::int64_t longest = 0;           // tokens of the longest text
  at::Tensor places;                  // int64 (tokens): each token's place in its text
  at::Tensor offsets_i32;             // the same as `offsets`, for attention on a GPU
  std::int64_t tokens() const { return offsets.back(); }
};

struct PackedTexts {
  at::Tensor ids;  // int64 (tokens) of all texts, one after another
  std::vector<TextRun> runs;
};

// Texts in their order on `device`, in runs of at most `run_tokens` tokens; a longer text is a run of its
// own.
PackedTexts pack_texts(std::span<const TokenIds> texts, std::int64_t run_tokens, const at::Device& device);

// How many of the first texts make a batch of at most `batch_tokens` tokens; at least one.
std::size_t texts_in_batch(std::span<const TokenIds> texts, std::int64_t batch_tokens);

}  // namespace pillar
