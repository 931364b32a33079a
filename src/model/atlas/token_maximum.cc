#include "model/atlas/token_maximum.h"

#include <algorithm>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max.h>

namespace pillar {
namespace {

constexpr std::int64_t kTokensOfATask = 4096;

// The best of a run of tokens, one entry a channel.
struct BestTokens {
  std::vector<float> value;
  std::vector<std::int32_t> token;
};

// A NaN is larger than all else and stays, as amax() has it.
BestTokens best_of(const float* tokens, std::int64_t first, std::int64_t last, std::int64_t channels) {
  const float* row = tokens + first * channels;
  BestTokens best;
  best.value.assign(row, row + channels);
  best.token.assign(static_cast<std::size_t>(channels), static_cast<std::int32_t>(first));
  float* value = best.value.data();
  std::int32_t* token = best.token.data();
  for (std::int64_t t = first + 1; t < last; ++t) {
    row += channels;
    const auto here = static_cast<std::int32_t>(t);
    for (std::int64_t c = 0; c < channels; ++c) {
      const bool higher = (row[c] > value[c]) | ((row[c] != row[c]) & (value[c] == value[c]));
      value[c] = higher ? row[c] : value[c];
      token[c] = higher ? here : token[c];
    }
  }
  return best;
}

// Runs come in the order of their tokens, so that the first of equal values stays.
void take_higher(const BestTokens& run, float* value, std::int64_t* token) {
  for (std::size_t c = 0; c < run.value.size(); ++c) {
    const float here = run.value[c];
    if (!(here > value[c] || (here != here && value[c] == value[c]))) continue;
    value[c] = here;
    token[c] = run.token[c];
  }
}

void maximum_of_sample(const float* tokens, std::int64_t count, std::int64_t channels, float* value,
                       std::int64_t* token) {
  const std::int64_t tasks = (count + kTokensOfATask - 1) / kTokensOfATask;
  std::vector<BestTokens> runs(static_cast<std::size_t>(tasks));
  at::parallel_for(0, tasks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t first = task * kTokensOfATask;
      runs[static_cast<std::size_t>(task)] =
          best_of(tokens, first, std::min(count, first + kTokensOfATask), channels);
    }
  });
  std::copy(runs.front().value.begin(), runs.front().value.end(), value);
  std::copy(runs.front().token.begin(), runs.front().token.end(), token);
  for (std::size_t task = 1; task < runs.size(); ++task) take_higher(runs[task], value, token);
}

}  // namespace

TokenMaximum token_maximum(const at::Tensor& tokens_bnc) {
  const at::NoGradGuard no_gradients;
  if (!tokens_bnc.is_cpu() || tokens_bnc.scalar_type() != at::kFloat) {
    auto [value, token] = at::max(tokens_bnc, 1);
    return {value, token};
  }
  const at::Tensor tokens = tokens_bnc.contiguous();
  const std::int64_t batch = tokens.size(0), count = tokens.size(1), channels = tokens.size(2);
  TokenMaximum maximum{at::empty({batch, channels}, at::kFloat), at::empty({batch, channels}, at::kLong)};
  const float* from = tokens.const_data_ptr<float>();
  auto* value = maximum.value_bc.mutable_data_ptr<float>();
  auto* token = maximum.token_bc.mutable_data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b < batch; ++b) {
    maximum_of_sample(from + b * count * channels, count, channels, value + b * channels,
                      token + b * channels);
  }
  return maximum;
}

}  // namespace pillar
