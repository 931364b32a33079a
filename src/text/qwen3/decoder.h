// Internal: the Qwen3 decoder stack (Qwen3 technical report, arXiv 2505.09388), as Hugging Face's Qwen3Model
// computes it: no cache of keys, for every text is read once.
#pragma once

#include "pillar/nn/execution.h"
#include "pillar/text/qwen3_config.h"

#include "nn/shared/layers.h"
#include "text/qwen3/packed_texts.h"

#include <functional>
#include <initializer_list>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// x / sqrt(mean(x^2) + epsilon) * weight over the last axis, in float32.
struct RmsNorm {
  RmsNorm(const Scope& scope, double epsilon);
  at::Tensor operator()(const at::Tensor& x) const;                // float32
  void into(const at::Tensor& out, const at::Tensor& x) const;     // of any float types
  void of_rows(const at::Tensor& out, const at::Tensor& x) const;  // the same without threads of its own
  void place(const at::Device& device);
  at::Tensor weight;
  double epsilon;
};

// Cosine and sine, (places, head width / 2) float32 each, by which a token's queries and keys are turned.
struct RotaryTable {
  RotaryTable(const Qwen3Config& config, std::int64_t places, const at::Device& device);
  at::Tensor cos, sin;
};

// What a run of tokens needs beside its hidden states, in the type of products. It is kept from layer to
// layer: memory that is new to the process costs a CPU a tenth of the time of the product that is written
// there.
struct RunRoom {
  RunRoom(const Qwen3Config& config, std::int64_t tokens, const Execution& execution);
  at::Tensor state(
      std::int64_t tokens) const;  // (tokens, width): what a part of a layer reads and gives back
  // (tokens, sum of widths) as one tensor (tokens, width) for each of the widths. Every call gives the same
  // memory.
  std::vector<at::Tensor> split(std::int64_t tokens, std::initializer_list<std::int64_t> widths) const;
  at::Tensor states, space;
};

// Causal attention within each text. Several heads of queries share one of keys and values.
struct SelfAttention {
  SelfAttention(const Scope& scope, const Qwen3Config& config);
  void run(const at::Tensor& x_tc, const TextRun& run, const RotaryTable& rotary,
           const RunRoom& room) const;  // in place
  void place(const Execution& execution);
  Linear q_proj, k_proj, v_proj, o_proj;
  RmsNorm q_norm, k_norm;  // of each head
  std::int64_t head_width;
};

// down(silu(gate(x)) * up(x))
struct GatedMlp {
  explicit GatedMlp(const Scope& scope);
  void run(const at::Tensor& x_tc, const RunRoom& room) const;  // in place
  void place(const Execution& execution);
  Linear gate_proj, up_proj, down_proj;
};

struct DecoderLayer {
  DecoderLayer(const Scope& scope, const Qwen3Config& config);
  void run(const at::Tensor& hidden_tc, const TextRun& run, const RotaryTable& rotary,
           const RunRoom& room) const;  // in place
  // Weights where and in the type that they are computed with; those that are so already are not copied.
  void place(const Execution& execution);
  RmsNorm input_layernorm, post_attention_layernorm;
  SelfAttention self_attn;
  GatedMlp mlp;
};

class Decoder {
 public:
  // Takes a run's (tokens, width) float32 rows after the last norm.
  using TakeRun = std::function<void(const TextRun& run, const at::Tensor& hidden_tc)>;

  // Views of `weights`, which are those of qwen3_tensors(config). On a GPU they are copied there, in the type
  // of products. No text may have more than `longest_text` tokens.
  Decoder(const WeightMap& weights, const Qwen3Config& config, const Execution& execution,
          std::int64_t longest_text);

  // Every layer reads its weights once for all texts. `layer_done`, if set, is called when the table's rows
  // have been taken and after each layer: what was read is not looked at again.
  void run(const PackedTexts& texts, const TakeRun& take, const std::function<void()>& layer_done) const;

 private:
  Execution execution_;
  at::Tensor table_;  // (vocabulary, width)
  std::vector<DecoderLayer> layers_;
  RmsNorm norm_;
  RotaryTable rotary_;
  Qwen3Config config_;
};

}  // namespace pillar
