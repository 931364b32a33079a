#include "pillar/text/qwen3_random.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/random.h"
#include "pillar/core/safetensors.h"
#include "pillar/text/tokenizer.h"

#include "text/qwen3/qwen3_weights.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr double kInitialDeviation = 0.02;

std::uint64_t seed_of_name(std::uint64_t seed, std::string_view name) {
  std::uint64_t state = hash64(seed);
  for (const char letter : name) state = mix_seed({state, static_cast<std::uint8_t>(letter)});
  return state;
}

// Evenly from [-b, b], whose standard deviation is b / sqrt(3). A number depends on its place alone, so that
// threads may share the work.
template <typename Number>
void draw_evenly(const at::Tensor& tensor, std::uint64_t seed) {
  constexpr std::int64_t kNumbersAThread = 1 << 16;
  const double bound = kInitialDeviation * std::sqrt(3.0);
  auto* values = tensor.mutable_data_ptr<Number>();
  at::parallel_for(0, tensor.numel(), kNumbersAThread, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const double unit = unit_interval(hash64(seed + static_cast<std::uint64_t>(i)));
      values[i] = static_cast<Number>(static_cast<float>(bound * (2 * unit - 1)));
    }
  });
}

at::Tensor random_tensor(const Qwen3Tensor& wanted, at::ScalarType type, std::uint64_t seed) {
  const bool is_norm = wanted.name.ends_with("norm.weight");
  if (is_norm) return at::full(wanted.shape, 1, type);
  at::Tensor tensor = at::empty(wanted.shape, type);
  const std::uint64_t own_seed = seed_of_name(seed, wanted.name);
  if (type == at::kBFloat16) {
    draw_evenly<at::BFloat16>(tensor, own_seed);
  } else {
    draw_evenly<float>(tensor, own_seed);
  }
  return tensor;
}

}  // namespace

std::int64_t write_random_qwen3(const fs::path& folder, const std::string& config_json,
                                const fs::path& source, std::uint64_t seed) {
  const Qwen3Config config = parse_qwen3_config(Config::parse(config_json, source));
  PartialPath partial(folder);
  std::error_code error;
  fs::create_directories(partial.path(), error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", folder, error.message());
  const std::int64_t tokens = make_byte_tokenizer(partial.path() / "tokenizer.json");
  if (tokens > config.vocabulary) {
    fail(ErrorCategory::input, "{}: vocab_size: {} are too few for the {} tokens of a new model", source,
         config.vocabulary, tokens);
  }
  write_file_atomic(partial.path() / "config.json", config_json);
  const at::ScalarType type = config.stored_as_bfloat16 ? at::kBFloat16 : at::kFloat;
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  std::int64_t parameters = 0;
  for (const Qwen3Tensor& wanted : qwen3_tensors(config)) {
    tensors.emplace_back(wanted.name, random_tensor(wanted, type, seed));
    parameters += tensors.back().second.numel();
  }
  write_safetensors(partial.path() / "model.safetensors", tensors, {{"format", "pt"}});
  partial.commit();
  return parameters;
}

}  // namespace pillar
