// config.json: what is read, and what is refused by name.
#include "pillar/text/qwen3_config.h"

#include "pillar/core/config.h"
#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

Json small_config() {
  return Json{{"model_type", "qwen3"},
              {"vocab_size", 511},
              {"hidden_size", 64},
              {"num_hidden_layers", 3},
              {"num_attention_heads", 4},
              {"num_key_value_heads", 2},
              {"head_dim", 32},
              {"intermediate_size", 160},
              {"max_position_embeddings", 2048},
              {"rms_norm_eps", 1e-6},
              {"rope_theta", 1000000.0},
              {"use_sliding_window", false},
              {"sliding_window", nullptr},
              {"rope_scaling", nullptr}};
}

Qwen3Config parse_changed(const Json& changes) {
  Json json = small_config();
  json.merge_patch(changes);
  return parse_qwen3_config(Config::parse(json.dump(), "config.json"));
}

TEST(Qwen3Config, ReadsWhatAReleaseSays) {
  const Qwen3Config config = parse_changed({{"attention_bias", true}, {"torch_dtype", "bfloat16"}});
  EXPECT_EQ(config.vocabulary, 511);
  EXPECT_EQ(config.width, 64);
  EXPECT_EQ(config.layers, 3);
  EXPECT_EQ(config.heads, 4);
  EXPECT_EQ(config.key_heads, 2);
  EXPECT_EQ(config.head_width, 32) << "apart from width / heads";
  EXPECT_EQ(config.inner_width, 160);
  EXPECT_EQ(config.longest_text, 2048);
  EXPECT_TRUE(config.attention_bias);
  EXPECT_TRUE(config.stored_as_bfloat16);
  EXPECT_DOUBLE_EQ(config.rms_norm_epsilon, 1e-6);
  EXPECT_DOUBLE_EQ(config.rope_theta, 1e6);
}

TEST(Qwen3Config, RotaryPositionsMayStandInANewerBlock) {
  Json json = small_config();
  json.erase("rope_theta");
  json.erase("rope_scaling");
  json["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 5000.0}};
  json["layer_types"] = {"full_attention", "full_attention", "full_attention"};
  EXPECT_DOUBLE_EQ(parse_qwen3_config(Config::parse(json.dump(), "config.json")).rope_theta, 5000);
}

TEST(Qwen3Config, WhatIsNotReadIsRefusedByName) {
  const std::vector<std::pair<Json, std::string>> refused = {
      {{{"model_type", "llama"}}, "model_type"},
      {{{"use_sliding_window", true}, {"sliding_window", 4096}}, "use_sliding_window"},
      {{{"layer_types", {"full_attention", "sliding_attention"}}}, "sliding_attention"},
      {{{"rope_scaling", {{"rope_type", "yarn"}, {"factor", 4.0}}}}, "yarn"},
      {{{"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}}}, "linear"},
      {{{"rope_scaling", {{"factor", 2.0}}}}, "rope_scaling"},
      {{{"rope_parameters", {{"rope_type", "dynamic"}}}}, "dynamic"},
      {{{"hidden_act", "gelu"}}, "hidden_act"},
      {{{"quantization_config", {{"bits", 4}}}}, "quantization_config"}};
  for (const auto& [changes, word] : refused) {
    EXPECT_PILLAR_ERROR(parse_changed(changes), ErrorCategory::input,
                        AllOf(HasSubstr("config.json"), HasSubstr(word)));
  }
}

TEST(Qwen3Config, NumbersThatDoNotFitAreNamed) {
  EXPECT_PILLAR_ERROR(
      parse_changed({{"num_key_value_heads", 3}}), ErrorCategory::input,
      AllOf(HasSubstr("num_key_value_heads"), HasSubstr("3 key heads do not divide 4 heads")));
  EXPECT_PILLAR_ERROR(parse_changed({{"head_dim", 15}}), ErrorCategory::input, HasSubstr("head_dim"));
  for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                          "intermediate_size", "max_position_embeddings"}) {
    EXPECT_PILLAR_ERROR(parse_changed({{key, nullptr}}), ErrorCategory::input, HasSubstr(key));
    EXPECT_PILLAR_ERROR(parse_changed({{key, 0}}), ErrorCategory::input, HasSubstr(key));
    EXPECT_PILLAR_ERROR(parse_changed({{key, 1LL << 40}}), ErrorCategory::input, HasSubstr(key));
    EXPECT_PILLAR_ERROR(parse_changed({{key, "many"}}), ErrorCategory::input, HasSubstr(key));
  }
  EXPECT_PILLAR_ERROR(parse_changed({{"rope_theta", -1.0}}), ErrorCategory::input, HasSubstr("rope_theta"));
  EXPECT_PILLAR_ERROR(parse_changed({{"rms_norm_eps", 0.0}}), ErrorCategory::input,
                      HasSubstr("rms_norm_eps"));
}

TEST(Qwen3Config, AFolderWithoutOneIsNamed) {
  const test::TempDir dir;
  EXPECT_PILLAR_ERROR(load_qwen3_config(dir.path()), ErrorCategory::io, HasSubstr("no config.json in it"));
  EXPECT_PILLAR_ERROR(load_qwen3_config(dir / "absent"), ErrorCategory::io, HasSubstr("no such"));
}

}  // namespace
}  // namespace pillar
