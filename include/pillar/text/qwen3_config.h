// config.json of a Qwen3 text model, as Hugging Face's layout has it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace pillar {

class Config;

// The numbers of a decoder stack, under the file's names where they differ from ours.
struct Qwen3Config {
  std::int64_t vocabulary = 0;      // vocab_size: rows of the embedding table
  std::int64_t width = 0;           // hidden_size
  std::int64_t layers = 0;          // num_hidden_layers
  std::int64_t heads = 0;           // num_attention_heads, of queries
  std::int64_t key_heads = 0;       // num_key_value_heads; divides `heads`
  std::int64_t head_width = 0;      // head_dim, which need not be width / heads; even
  std::int64_t inner_width = 0;     // intermediate_size, of the MLP
  std::int64_t longest_text = 0;    // max_position_embeddings, in tokens
  bool attention_bias = false;      // of all four products of attention
  double rms_norm_epsilon = 1e-6;   // rms_norm_eps
  double rope_theta = 10000;        // base of the rotary positions
  bool stored_as_bfloat16 = false;  // torch_dtype or dtype: how new weights are written
};

// Throws Error(input) naming file, line and key: a key that is missing or out of range, heads that key heads
// do not divide, and what this decoder does not do: another model_type, sliding windows, scaled rotary
// positions, another activation than SiLU, quantised weights.
Qwen3Config parse_qwen3_config(const Config& document);

// config.json of a model's folder, or beside a file of its weights. Throws Error(io) where there is none, and
// what parse_qwen3_config() throws.
Qwen3Config load_qwen3_config(const std::filesystem::path& model);

}  // namespace pillar
