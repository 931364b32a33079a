#include "text/qwen3/qwen3_memory.h"

#include "pillar/core/available_memory.h"
#include "pillar/core/fail.h"

#include <algorithm>

namespace pillar {
namespace {

constexpr std::int64_t kUsualBatchTokens = 16384;        // reading the weights once more is no cost by then
constexpr std::uint64_t kFloatBytes = 4, kIdBytes = 16;  // id and place of a token
constexpr double kGigabyte = 1e9;

// A layer's weights: the file's pages that are read, and copies where the type of products is another.
std::uint64_t layer_bytes(const WeightMap& weights, at::ScalarType compute) {
  std::uint64_t bytes = 0;
  const std::string_view first = "layers.0.";
  for (auto it = weights.lower_bound(std::string(first)); it != weights.end() && it->first.starts_with(first);
       ++it) {
    bytes += it->second.nbytes();
    const bool copied = it->second.dim() == 2 && it->second.scalar_type() != compute;
    if (copied) bytes += static_cast<std::uint64_t>(it->second.numel()) * at::elementSize(compute);
  }
  return bytes;
}

// What a token of a run has at a time: its state, what a part of the layer makes of that, and the room
// beside.
std::uint64_t run_token_bytes(const Qwen3Config& config, at::ScalarType compute) {
  return static_cast<std::uint64_t>(config.width + run_room_width(config)) * at::elementSize(compute) +
         static_cast<std::uint64_t>(config.width) * kFloatBytes;
}

struct Activations {
  std::uint64_t token, run;  // of each token of a batch, and of the run that is computed
  std::uint64_t of(std::int64_t tokens) const { return static_cast<std::uint64_t>(tokens) * token + run; }
};

Activations activations_of(const Qwen3Config& config, std::int64_t longest_text, at::ScalarType compute) {
  const auto run = static_cast<std::uint64_t>(std::max(kRunTokens, longest_text));
  return {static_cast<std::uint64_t>(config.width) * kFloatBytes + kIdBytes,
          run * run_token_bytes(config, compute)};
}

std::uint64_t bound_of(const Qwen3Options& options) {
  if (options.memory_gb > 0) return static_cast<std::uint64_t>(options.memory_gb * kGigabyte);
  return available_memory_bytes();
}

}  // namespace

std::int64_t run_room_width(const Qwen3Config& config) {
  return std::max((config.heads + 2 * config.key_heads) * config.head_width, 2 * config.inner_width);
}

Qwen3Memory plan_memory(const Qwen3Config& config, const WeightMap& weights, const Qwen3Options& options,
                        const Execution& execution) {
  Qwen3Memory memory;
  for (const auto& [name, tensor] : weights) memory.weights += tensor.nbytes();
  memory.table = weights.at("embed_tokens.weight").nbytes();
  memory.layer = layer_bytes(weights, execution.compute);
  const std::int64_t wanted = options.batch_tokens > 0 ? options.batch_tokens : kUsualBatchTokens;
  memory.batch_tokens = std::max(wanted, options.longest_text);
  const Activations activations = activations_of(config, options.longest_text, execution.compute);
  memory.activations = activations.of(memory.batch_tokens);
  const std::uint64_t bound = bound_of(options);
  if (!execution.device.is_cpu() || memory.peak() <= bound) return memory;
  memory.resident = false;
  const std::uint64_t fixed = memory.table + memory.layer + activations.run;
  const std::uint64_t least = fixed + static_cast<std::uint64_t>(options.longest_text) * activations.token;
  if (bound < least && options.memory_gb > 0) {
    fail(ErrorCategory::usage,
         "{:.2f} GB of memory do not hold one layer of this model, its embedding table and one text of {} "
         "tokens; "
         "that takes {:.2f} GB",
         options.memory_gb, options.longest_text, static_cast<double>(least) / kGigabyte);
  }
  const std::uint64_t room = bound > fixed ? (bound - fixed) / activations.token : 0;
  memory.batch_tokens =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(room), options.longest_text, memory.batch_tokens);
  memory.activations = activations.of(memory.batch_tokens);
  return memory;
}

}  // namespace pillar
