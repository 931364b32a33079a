#include "text/qwen3/packed_texts.h"

#include <algorithm>

#include <ATen/ops/empty.h>

namespace pillar {
namespace {

std::int64_t length_of(const TokenIds& text) {
  return static_cast<std::int64_t>(text.size());
}

void finish_run(TextRun& run, const at::Device& device) {
  at::Tensor places = at::empty({run.tokens()}, at::kLong), offsets = at::empty({0}, at::kInt);
  offsets.resize_({static_cast<std::int64_t>(run.offsets.size())});
  auto* place = places.mutable_data_ptr<std::int64_t>();
  for (std::size_t text = 0; text + 1 < run.offsets.size(); ++text) {
    const std::int64_t tokens = run.offsets[text + 1] - run.offsets[text];
    for (std::int64_t i = 0; i < tokens; ++i) *place++ = i;
    run.longest = std::max(run.longest, tokens);
  }
  std::copy(run.offsets.begin(), run.offsets.end(), offsets.mutable_data_ptr<std::int32_t>());
  run.places = places.to(device);
  run.offsets_i32 = offsets.to(device);
}

}  // namespace

PackedTexts pack_texts(std::span<const TokenIds> texts, std::int64_t run_tokens, const at::Device& device) {
  PackedTexts packed;
  std::int64_t tokens = 0;
  for (std::size_t text = 0; text < texts.size(); ++text) {
    const std::int64_t length = length_of(texts[text]);
    if (packed.runs.empty() || packed.runs.back().tokens() + length > run_tokens)
      packed.runs.push_back({static_cast<std::int64_t>(text), tokens, {0}, 0, {}, {}});
    std::vector<std::int64_t>& offsets = packed.runs.back().offsets;
    offsets.push_back(offsets.back() + length);
    tokens += length;
  }
  at::Tensor ids = at::empty({tokens}, at::kLong);
  auto* id = ids.mutable_data_ptr<std::int64_t>();
  for (const TokenIds& text : texts) id = std::copy(text.begin(), text.end(), id);
  packed.ids = ids.to(device);
  for (TextRun& run : packed.runs) finish_run(run, device);
  return packed;
}

std::size_t texts_in_batch(std::span<const TokenIds> texts, std::int64_t batch_tokens) {
  std::size_t count = 0;
  for (std::int64_t tokens = 0; count < texts.size(); ++count) {
    tokens += length_of(texts[count]);
    if (tokens > batch_tokens && count > 0) break;
  }
  return count;
}

}  // namespace pillar
