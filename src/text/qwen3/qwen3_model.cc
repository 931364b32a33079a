#include "pillar/text/qwen3_model.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/device/device.h"

#include "text/qwen3/decoder.h"
#include "text/qwen3/qwen3_memory.h"
#include "text/qwen3/qwen3_weights.h"

#include <mutex>
#include <optional>
#include <span>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

namespace pillar {
namespace {

constexpr const char* kMean = "mean";
constexpr const char* kLast = "last";

// bf16 where it is faster: on GPUs, and on processors with tiles that multiply it (AMX). On those that only
// have AVX-512's dot products of bfloat16, LibTorch's float32 products are twice as fast.
at::ScalarType parse_compute(const std::string& word, const at::Device& device) {
  if (word == "fp32") return at::kFloat;
  if (word == "bf16") return at::kBFloat16;
  if (word != "auto")
    fail(ErrorCategory::usage, "unknown dtype '{}'; one of auto, fp32, bf16", printable(word));
  return device.is_cuda() || __builtin_cpu_supports("amx-bf16") ? at::kBFloat16 : at::kFloat;
}

void check_options(const Qwen3Options& options, const Qwen3Config& config) {
  if (options.longest_text < 1 || options.longest_text > config.longest_text) {
    fail(ErrorCategory::usage, "texts of {} tokens; this model reads 1 to {}", options.longest_text,
         config.longest_text);
  }
  if (options.batch_tokens < 0 || !(options.memory_gb >= 0))
    fail(ErrorCategory::usage, "a batch of {} tokens in {} GB", options.batch_tokens, options.memory_gb);
}

at::Tensor pooled(const at::Tensor& hidden_tc, TextPooling pooling) {
  const at::Tensor vector = pooling == TextPooling::last ? hidden_tc.select(0, hidden_tc.size(0) - 1)
                                                         : hidden_tc.mean(0, false, at::kDouble);
  const at::Tensor wide = vector.to(at::kDouble);
  return wide.div(wide.norm()).to(at::kFloat);
}

}  // namespace

TextPooling parse_text_pooling(const std::string& word) {
  if (word == kMean) return TextPooling::mean;
  if (word == kLast) return TextPooling::last;
  fail(ErrorCategory::usage, "unknown pooling '{}'; one of mean, last", printable(word));
}

const char* to_string(TextPooling pooling) noexcept {
  return pooling == TextPooling::mean ? kMean : kLast;
}

struct Qwen3Model::State {
  Qwen3Config config;
  Qwen3Options options;
  Execution execution;
  MappedFiles files;
  Qwen3Memory memory;
  std::optional<Decoder> decoder;
  mutable std::mutex computing;

  void check(const TokenIds& text, std::size_t index) const {
    if (text.empty() || text.size() > static_cast<std::size_t>(options.longest_text)) {
      fail(ErrorCategory::input, "text {}: {} tokens; 1 to {} can be read", index, text.size(),
           options.longest_text);
    }
    for (const std::int32_t id : text) {
      if (id < 0 || id >= config.vocabulary)
        fail(ErrorCategory::input, "text {}: id {} is no row of an embedding table of {}", index, id,
             config.vocabulary);
    }
  }

  void run(std::span<const TokenIds> texts, const Decoder::TakeRun& take) const {
    std::function<void()> release;
    if (!memory.resident) {
      release = [this] {
        for (const auto& file : files) file->release_pages();
      };
    }
    decoder->run(pack_texts(texts, kRunTokens, execution.device), take, release);
  }
};

Qwen3Model::Qwen3Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Qwen3Model::Qwen3Model(Qwen3Model&&) noexcept = default;
Qwen3Model& Qwen3Model::operator=(Qwen3Model&&) noexcept = default;
Qwen3Model::~Qwen3Model() = default;

Qwen3Model Qwen3Model::load(const std::filesystem::path& model, const Qwen3Options& options) {
  const at::NoGradGuard no_gradients;
  auto state = std::make_unique<State>();
  state->config = load_qwen3_config(model);
  state->options = options;
  check_options(options, state->config);
  state->execution.device = parse_device(options.device);
  const WeightMap weights = load_qwen3_weights(model, state->config, state->files);
  state->execution.compute = parse_compute(options.dtype, state->execution.device);
  state->memory = plan_memory(state->config, weights, options, state->execution);
  state->decoder.emplace(weights, state->config, state->execution, options.longest_text);
  return Qwen3Model(std::move(state));
}

const Qwen3Config& Qwen3Model::config() const noexcept {
  return state_->config;
}
const Qwen3Memory& Qwen3Model::memory() const noexcept {
  return state_->memory;
}
at::Device Qwen3Model::device() const noexcept {
  return state_->execution.device;
}
at::ScalarType Qwen3Model::dtype() const noexcept {
  return state_->execution.compute;
}

at::Tensor Qwen3Model::embed(const std::vector<TokenIds>& texts, TextPooling pooling) const {
  const at::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < texts.size(); ++i) state_->check(texts[i], i);
  const std::lock_guard lock(state_->computing);
  const at::Tensor rows_nw =
      at::empty({static_cast<std::int64_t>(texts.size()), state_->config.width},
                at::TensorOptions().dtype(at::kFloat).device(state_->execution.device));
  std::int64_t done = 0;
  for (std::span<const TokenIds> rest = texts; !rest.empty();) {
    const std::size_t count = texts_in_batch(rest, state_->memory.batch_tokens);
    state_->run(rest.first(count), [&](const TextRun& run, const at::Tensor& hidden_tc) {
      for (std::size_t text = 0; text + 1 < run.offsets.size(); ++text) {
        const std::int64_t first = run.offsets[text];
        rows_nw[done + run.first_text + static_cast<std::int64_t>(text)].copy_(
            pooled(hidden_tc.narrow(0, first, run.offsets[text + 1] - first), pooling));
      }
    });
    done += static_cast<std::int64_t>(count);
    rest = rest.subspan(count);
  }
  return rows_nw.to(at::kCPU);
}

at::Tensor Qwen3Model::hidden(const TokenIds& text) const {
  const at::NoGradGuard no_gradients;
  state_->check(text, 0);
  const std::lock_guard lock(state_->computing);
  at::Tensor hidden_tc;
  state_->run({&text, 1},
              [&](const TextRun&, const at::Tensor& rows_tc) { hidden_tc = rows_tc.to(at::kCPU); });
  return hidden_tc;
}

}  // namespace pillar
