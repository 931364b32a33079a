// A frozen Qwen3 decoder that makes vectors of texts, from ids of tokens on.
#pragma once

#include "pillar/text/qwen3_config.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

using TokenIds = std::vector<std::int32_t>;  // one text's, at least one

// What becomes of a text's tokens: their mean, as in the public text cache, or the last, as Qwen's embedding
// models were trained.
enum class TextPooling { mean, last };
TextPooling parse_text_pooling(const std::string& word);  // throws Error(usage)
const char* to_string(TextPooling pooling) noexcept;

struct Qwen3Options {
  std::string device = "auto";      // as parse_device() reads it
  std::string dtype = "auto";       // of products and attention: fp32, bf16
  std::int64_t longest_text = 512;  // tokens that a text may have; decides how small a batch may get
  std::int64_t batch_tokens = 0;  // of one pass through the layers; 0: 16,384, or fewer where memory is short
  // Bound on weights in use and activations, in units of 1e9 bytes, on a CPU. 0: what the machine has free.
  double memory_gb = 0;
};

// What a pass takes of a CPU's memory, in bytes, beside the program itself.
struct Qwen3Memory {
  std::uint64_t weights = 0;      // as stored, all of them
  std::uint64_t table = 0;        // the embedding table, of `weights`
  std::uint64_t layer = 0;        // the weights of one layer, with their copies in another type
  std::uint64_t activations = 0;  // of batch_tokens tokens
  std::int64_t batch_tokens = 0;
  bool resident = true;  // weights stay in memory; else a layer's go when it is done
  std::uint64_t peak() const { return (resident ? weights : table) + layer + activations; }
};

class Qwen3Model {
 public:
  // A folder in released layout (config.json, weights as weight_files() finds them), or a file of its
  // weights. Weights stay in their mapped files. Throws Error(usage) for options that do not fit, memory_gb
  // too small for one layer and one text included, and Error(io | input) naming file and fault.
  static Qwen3Model load(const std::filesystem::path& model, const Qwen3Options& options = {});
  Qwen3Model(Qwen3Model&&) noexcept;
  Qwen3Model& operator=(Qwen3Model&&) noexcept;
  ~Qwen3Model();

  const Qwen3Config& config() const noexcept;
  const Qwen3Memory& memory() const noexcept;
  at::Device device() const noexcept;
  at::ScalarType dtype() const noexcept;

  // (texts, width) float32 of length 1 on the CPU, in the order of `texts`. No padding is computed, a text
  // attends to itself alone, and what else is in the batch does not matter. One call computes at a time;
  // calls may come from several threads. Throws Error(input) naming the text and the fault: no token, too
  // many, an id that is no row of the table.
  at::Tensor embed(const std::vector<TokenIds>& texts, TextPooling pooling) const;

  // (tokens, width) float32 on the CPU: one text's last layer after the last norm.
  at::Tensor hidden(const TokenIds& text) const;

 private:
  struct State;
  explicit Qwen3Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pillar
