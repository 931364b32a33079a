// The decoder against Hugging Face's on the golden's ids, and against itself.
#include "pillar/text/qwen3_model.h"

#include "pillar/core/safetensors.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"
#include "text/qwen3/plain_decoder.h"
#include "text/qwen3/small_models.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/max.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kGoldenTexts = 6;

TokenIds ids_of(const SafetensorsFile& io, int length, int text) {
  const at::Tensor ids = io.tensor(fmt::format("ids.{}.{}", length, text)).contiguous();
  const auto* first = ids.const_data_ptr<std::int32_t>();
  return {first, first + ids.numel()};
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

Qwen3Options on_cpu(const char* dtype = "fp32") {
  Qwen3Options options;
  options.device = "cpu";
  options.dtype = dtype;
  return options;
}

class Qwen3Golden : public ::testing::TestWithParam<const char*> {};

TEST_P(Qwen3Golden, HiddenStatesAndVectorsAreTheReferences) {
  const std::string name = fmt::format("qwen/{}", GetParam());
  PILLAR_NEEDS_GOLDEN(name);
  const Qwen3Model model = Qwen3Model::load(test::golden(name), on_cpu());
  const SafetensorsFile io(test::golden(name) / "io.safetensors");
  for (const int length : {32, 512}) {
    std::vector<TokenIds> texts;
    for (int i = 0; i < kGoldenTexts; ++i) texts.push_back(ids_of(io, length, i));
    const at::Tensor mean = model.embed(texts, TextPooling::mean);
    const at::Tensor last = model.embed(texts, TextPooling::last);
    for (int i = 0; i < kGoldenTexts; ++i) {
      const std::string key = fmt::format("{}.{}", length, i);
      EXPECT_LE(largest_difference(mean[i], io.tensor("mean." + key)), 2e-6) << key;
      EXPECT_LE(largest_difference(last[i], io.tensor("last." + key)), 2e-6) << key;
      EXPECT_LE(largest_difference(mean[i], io.tensor("mean_fp64." + key)), 2e-6) << key;
      EXPECT_LE(largest_difference(last[i], io.tensor("last_fp64." + key)), 2e-6) << key;
      if (length > 32) continue;
      const at::Tensor expected = io.tensor("hidden." + key);
      const double largest = expected.abs().max().item<double>();
      EXPECT_LE(largest_difference(model.hidden(texts[static_cast<std::size_t>(i)]), expected),
                1e-5 * largest)
          << key;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Qwen3Golden, ::testing::Values("gqa_headdim32", "mha_tied"),
                         [](const auto& test) { return std::string(test.param); });

// Ids of all lengths up to the longest.
std::vector<TokenIds> some_texts(std::int64_t vocabulary) {
  std::vector<TokenIds> texts;
  for (const std::int64_t length : {1, 40, 7, 512, 100, 2, 300}) {
    TokenIds ids;
    for (std::int64_t i = 0; i < length; ++i)
      ids.push_back(static_cast<std::int32_t>((i * i * 31 + length * 7 + i) % vocabulary));
    texts.push_back(std::move(ids));
  }
  return texts;
}

void expect_as_the_oracle(const fs::path& folder, const test::TensorsByName& tensors) {
  const Qwen3Model model = Qwen3Model::load(folder, on_cpu());
  for (const TokenIds& ids : some_texts(model.config().vocabulary)) {
    const at::Tensor expected = test::plain_hidden(tensors, model.config(), ids);
    const double largest = expected.abs().max().item<double>();
    EXPECT_LE(largest_difference(model.hidden(ids), expected), 1e-5 * largest) << ids.size() << " tokens";
  }
}

TEST(Qwen3Model, BiasesInAttentionAreAdded) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m", R"({"attention_bias": true})");
  const test::TensorsByName tensors = test::read_weights(dir / "m");
  ASSERT_EQ(tensors.count("layers.1.self_attn.o_proj.bias"), 1u);
  expect_as_the_oracle(dir / "m", tensors);
}

TEST(Qwen3Model, OneKeyHeadMayServeEightHeads) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m",
                          R"({"num_attention_heads": 8, "num_key_value_heads": 1, "head_dim": 6})");
  expect_as_the_oracle(dir / "m", test::read_weights(dir / "m"));
}

TEST(Qwen3Model, ShardsOfHalfPrecisionAreComputedInFloat) {
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    const TempDir dir;
    test::write_small_qwen3(dir / "m");
    test::TensorsByName tensors, named;
    for (const auto& [name, tensor] : test::read_weights(dir / "m")) {
      tensors[name] = tensor.to(type);
      named["model." + name] = tensors[name];
    }
    named["lm_head.weight"] = tensors.at("embed_tokens.weight");
    test::write_in_shards(dir / "m", named);
    expect_as_the_oracle(dir / "m", tensors);
  }
}

TEST(Qwen3Model, WhatElseIsInABatchDoesNotMatter) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m");
  const Qwen3Model model = Qwen3Model::load(dir / "m", on_cpu());
  const std::vector<TokenIds> texts = some_texts(model.config().vocabulary);
  Qwen3Options narrow = on_cpu();
  narrow.batch_tokens = 520;  // several batches
  for (const TextPooling pooling : {TextPooling::mean, TextPooling::last}) {
    const at::Tensor together = model.embed(texts, pooling);
    EXPECT_LE(largest_difference(Qwen3Model::load(dir / "m", narrow).embed(texts, pooling), together), 1e-5);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const at::Tensor row = together[static_cast<std::int64_t>(i)];
      EXPECT_LE(largest_difference(model.embed({texts[i]}, pooling)[0], row), 1e-5);
      EXPECT_NEAR(row.norm().item<double>(), 1, 1e-6);
    }
  }
  EXPECT_EQ(model.embed({}, TextPooling::mean).size(0), 0);
}

TEST(Qwen3Model, ABoundOfMemoryLetsWeightsGo) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m", R"({"num_hidden_layers": 12, "intermediate_size": 1024})");
  const Qwen3Model free = Qwen3Model::load(dir / "m", on_cpu());
  EXPECT_TRUE(free.memory().resident);
  Qwen3Options bound = on_cpu();
  bound.longest_text = 600;
  bound.memory_gb = static_cast<double>(free.memory().layer + free.memory().activations) / 1e9;
  const Qwen3Model bounded = Qwen3Model::load(dir / "m", bound);
  EXPECT_FALSE(bounded.memory().resident);
  EXPECT_LE(static_cast<double>(bounded.memory().peak()), bound.memory_gb * 1e9);
  EXPECT_LE(bounded.memory().batch_tokens, free.memory().batch_tokens);
  const std::vector<TokenIds> texts = some_texts(300);
  EXPECT_LE(largest_difference(bounded.embed(texts, TextPooling::mean), free.embed(texts, TextPooling::mean)),
            1e-5);
  bound.memory_gb = 1e-3;
  EXPECT_PILLAR_ERROR(Qwen3Model::load(dir / "m", bound), ErrorCategory::usage,
                      AllOf(HasSubstr("0.00 GB of memory do not hold"), HasSubstr("600 tokens")));
}

TEST(Qwen3Model, BFloat16SaysNearlyTheSame) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m");
  const std::vector<TokenIds> texts = some_texts(300);
  const at::Tensor exact = Qwen3Model::load(dir / "m", on_cpu()).embed(texts, TextPooling::mean);
  const at::Tensor rough = Qwen3Model::load(dir / "m", on_cpu("bf16")).embed(texts, TextPooling::mean);
  EXPECT_GE((exact * rough).sum(-1).min().item<double>(), 0.999);
}

TEST(Qwen3Model, AllFaultsOfTheWeightsAreToldAtOnce) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m");
  test::TensorsByName tensors = test::read_weights(dir / "m");
  tensors.erase("layers.0.mlp.up_proj.weight");
  tensors.erase("norm.weight");
  tensors["layers.1.self_attn.k_proj.weight"] = tensors["layers.1.self_attn.q_proj.weight"].clone();
  tensors["layers.1.self_attn.q_proj.bias"] = tensors["layers.0.input_layernorm.weight"].clone();
  tensors["layers.1.mlp.down_proj.weight"][3][5] = std::numeric_limits<float>::quiet_NaN();
  tensors["layers.0.mlp.gate_proj.weight"] = tensors["layers.0.mlp.gate_proj.weight"].to(at::kInt);
  test::write_weights(dir / "m", tensors);
  EXPECT_PILLAR_ERROR(Qwen3Model::load(dir / "m", on_cpu()), ErrorCategory::input,
                      AllOf(HasSubstr("2 missing: layers.0.mlp.up_proj.weight, norm.weight"),
                            HasSubstr("1 surplus: layers.1.self_attn.q_proj.bias"),
                            HasSubstr("layers.1.self_attn.k_proj.weight [32,32] expected [16,32]"),
                            HasSubstr("layers.0.mlp.gate_proj.weight Int"),
                            HasSubstr("1 with NaN or infinite numbers: layers.1.mlp.down_proj.weight")));
}

TEST(Qwen3Model, InfiniteHalvesAreFoundToo) {
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    const TempDir dir;
    test::write_small_qwen3(dir / "m");
    test::TensorsByName tensors = test::read_weights(dir / "m");
    tensors["embed_tokens.weight"] = tensors["embed_tokens.weight"].to(type);
    tensors["embed_tokens.weight"][299][31] = -std::numeric_limits<float>::infinity();
    test::write_weights(dir / "m", tensors);
    EXPECT_PILLAR_ERROR(Qwen3Model::load(dir / "m", on_cpu()), ErrorCategory::input,
                        HasSubstr("1 with NaN or infinite numbers: embed_tokens.weight"));
  }
}

TEST(Qwen3Model, ATruncatedOrMissingShardIsNamed) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m");
  test::write_in_shards(dir / "m", test::read_weights(dir / "m"));
  const fs::path shard = dir / "m/model-00002-of-00002.safetensors";
  fs::resize_file(shard, fs::file_size(shard) - 100);
  EXPECT_PILLAR_ERROR(Qwen3Model::load(dir / "m", on_cpu()), ErrorCategory::input, HasSubstr("model-00002"));
  fs::remove(shard);
  EXPECT_PILLAR_ERROR(Qwen3Model::load(dir / "m", on_cpu()), ErrorCategory::io, HasSubstr("model-00002"));
}

TEST(Qwen3Model, IdsAndOptionsThatDoNotFitAreNamed) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m");
  const Qwen3Model model = Qwen3Model::load(dir / "m", on_cpu());
  EXPECT_PILLAR_ERROR(model.embed({{1}, {}}, TextPooling::mean), ErrorCategory::input,
                      HasSubstr("text 1: 0 tokens"));
  EXPECT_PILLAR_ERROR(model.embed({TokenIds(513, 1)}, TextPooling::mean), ErrorCategory::input,
                      HasSubstr("513 tokens; 1 to 512"));
  EXPECT_PILLAR_ERROR(model.embed({{1, 300}}, TextPooling::mean), ErrorCategory::input,
                      HasSubstr("id 300 is no row of an embedding table of 300"));
  EXPECT_PILLAR_ERROR(model.hidden({-1}), ErrorCategory::input, HasSubstr("id -1"));
  Qwen3Options options = on_cpu();
  options.longest_text = 1025;
  EXPECT_PILLAR_ERROR(Qwen3Model::load(dir / "m", options), ErrorCategory::usage, HasSubstr("1 to 1024"));
  EXPECT_PILLAR_ERROR(Qwen3Model::load(dir / "m", on_cpu("fp8")), ErrorCategory::usage, HasSubstr("fp8"));
  EXPECT_PILLAR_ERROR(parse_text_pooling("max"), ErrorCategory::usage, HasSubstr("mean, last"));
}

}  // namespace
}  // namespace pillar
