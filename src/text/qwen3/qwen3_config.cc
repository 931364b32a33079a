#include "pillar/text/qwen3_config.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "text/qwen3/model_files.h"

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLargestSize = 1 << 24;  // of any size in the file: beyond it products overflow
constexpr std::int64_t kMostLayers = 1 << 12;

std::int64_t positive_size(const Config& node, std::int64_t largest = kLargestSize) {
  const std::int64_t value = node.as_int();
  if (value < 1 || value > largest) node.fail(fmt::format("{} is not between 1 and {}", value, largest));
  return value;
}

double positive_number(const Config& node, double fallback) {
  const double value = node.as_double(fallback);
  if (!(value > 0)) node.fail(fmt::format("{} is not above 0", value));
  return value;
}

void require_word(const Config& node, const std::string& wanted, const char* what) {
  const std::string word = node.as_string();
  if (word != wanted) node.fail(fmt::format("'{}' is {}; only '{}' is read", printable(word), what, wanted));
}

// Every kind of attention that is not full and causal.
void refuse_windows(const Config& document) {
  const Config use = document.get("use_sliding_window");
  if (use.as_bool(false)) use.fail("sliding windows of attention are not read");
  const Config kinds = document.get("layer_types");
  for (std::size_t layer = 0; layer < kinds.size(); ++layer)
    require_word(kinds.at(layer), "full_attention", "a kind of attention that is not read");
}

// "rope_scaling" of older files, "rope_parameters" of newer ones: both may say that nothing is scaled.
void refuse_scaled_positions(const Config& block) {
  if (!block.exists()) return;
  if (!block.is_map()) block.fail("no map of settings of rotary positions");
  for (const char* key : {"rope_type", "type"}) {
    const Config kind = block.get(key);
    if (kind.exists()) return require_word(kind, "default", "a scaling of rotary positions that is not read");
  }
  if (block.get("factor").exists()) block.fail("scaled rotary positions are not read");
}

double rotary_base(const Config& document) {
  refuse_scaled_positions(document.get("rope_scaling"));
  const Config parameters = document.get("rope_parameters");
  refuse_scaled_positions(parameters);
  const Config inside = parameters.is_map() ? parameters.get("rope_theta") : parameters;
  return positive_number(inside.exists() ? inside : document.get("rope_theta"), Qwen3Config().rope_theta);
}

void refuse_what_is_not_read(const Config& document) {
  require_word(document.get("model_type"), "qwen3", "another architecture");
  if (const Config act = document.get("hidden_act"); act.exists())
    require_word(act, "silu", "an activation that is not read");
  if (const Config quantised = document.get("quantization_config"); quantised.exists())
    quantised.fail("quantised weights are not read");
  refuse_windows(document);
}

bool says_bfloat16(const Config& document) {
  const Config newer = document.get("dtype");
  return (newer.exists() ? newer : document.get("torch_dtype")).as_string("") == "bfloat16";
}

}  // namespace

Qwen3Config parse_qwen3_config(const Config& document) {
  constexpr std::int64_t kUsualHeadWidth = 128;  // where a file does not say
  refuse_what_is_not_read(document);
  Qwen3Config config;
  config.vocabulary = positive_size(document.get("vocab_size"));
  config.width = positive_size(document.get("hidden_size"));
  config.layers = positive_size(document.get("num_hidden_layers"), kMostLayers);
  config.heads = positive_size(document.get("num_attention_heads"));
  const Config key_heads = document.get("num_key_value_heads"), head_width = document.get("head_dim");
  config.key_heads = positive_size(key_heads);
  config.head_width = head_width.exists() ? positive_size(head_width) : kUsualHeadWidth;
  config.inner_width = positive_size(document.get("intermediate_size"));
  config.longest_text = positive_size(document.get("max_position_embeddings"));
  config.attention_bias = document.get("attention_bias").as_bool(false);
  config.rms_norm_epsilon = positive_number(document.get("rms_norm_eps"), config.rms_norm_epsilon);
  config.rope_theta = rotary_base(document);
  config.stored_as_bfloat16 = says_bfloat16(document);
  if (config.heads % config.key_heads != 0)
    key_heads.fail(fmt::format("{} key heads do not divide {} heads", config.key_heads, config.heads));
  if (config.head_width % 2 != 0)
    head_width.fail(fmt::format("{} is odd: rotary positions turn pairs of numbers", config.head_width));
  return config;
}

Qwen3Config load_qwen3_config(const fs::path& model) {
  return parse_qwen3_config(Config::load(text_model_file(model, "config.json")));
}

}  // namespace pillar
