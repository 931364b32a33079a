#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/model/weights.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/torch_file.h"

#include <cmath>
#include <fstream>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

using NamedTensorList = std::vector<std::pair<std::string, at::Tensor>>;

const std::string kNorm = "visual.atlas_models.0.blocks.0.blocks.0.norm1_q.weight";

at::Tensor values(std::int64_t count = 4) {
  return at::arange(count, at::kFloat);
}

void expect_refused(const fs::path& model, ErrorCategory category, const std::string& fault) {
  EXPECT_PILLAR_ERROR(load_weights(model), category, AllOf(HasSubstr(model.string()), HasSubstr(fault)));
}

TEST(LoadWeights, EveryKnownPrefixComesOff) {
  TempDir dir;
  for (const char* prefix :
       {"", "model.", "module.", "module.model.", "model.model.", "backbone_model.",
        "backbone_model.model.model.", "model.backbone_model.model.model.", "_orig_mod.", "_orig_mod.module.",
        "module._orig_mod.", "model._orig_mod.module.model.", "_orig_mod._orig_mod.model."}) {
    SCOPED_TRACE(prefix);
    const fs::path file = dir / "model.safetensors";
    write_safetensors(file, {{fmt::format("{}visual.x", prefix), values()},
                             {fmt::format("{}logit_scale", prefix), at::full({}, 2.5)}});
    for (const fs::path& model : {file, dir.path()}) {
      const WeightMap weights = load_weights(model);
      ASSERT_EQ(weights.size(), 2u);
      EXPECT_TRUE(at::equal(weights.at("visual.x"), values()));
      EXPECT_EQ(weights.at("logit_scale").item<float>(), 2.5f);
    }
  }
}

TEST(LoadWeights, Float32StaysAViewOfTheFile) {
  TempDir dir;
  write_safetensors(dir / "a.safetensors", {{"visual.x", values(1 << 20)}});
  const WeightMap weights = load_weights(dir / "a.safetensors");
  std::ifstream maps("/proc/self/maps");
  const auto address = reinterpret_cast<std::uintptr_t>(weights.at("visual.x").const_data_ptr());
  bool mapped = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), "%lx-%lx", &begin, &end), 2);
    if (begin <= address && address < end) mapped = line.ends_with("a.safetensors");
  }
  EXPECT_TRUE(mapped);
}

TEST(LoadWeights, OtherFloatsBecomeFloat32AndCountersStay) {
  TempDir dir;
  write_safetensors(dir / "a.safetensors", {{"visual.half", values().to(at::kHalf)},
                                            {"visual.bfloat", values().to(at::kBFloat16)},
                                            {"visual.double", values().to(at::kDouble)},
                                            {"visual.n.num_batches_tracked", at::full({}, 7, at::kLong)}});
  const WeightMap weights = load_weights(dir / "a.safetensors");
  for (const char* name : {"visual.half", "visual.bfloat", "visual.double"}) {
    EXPECT_EQ(weights.at(name).scalar_type(), at::kFloat);
    EXPECT_TRUE(at::equal(weights.at(name), values()));
  }
  EXPECT_EQ(weights.at("visual.n.num_batches_tracked").item<std::int64_t>(), 7);
}

TEST(LoadWeights, APartThatWasCompiledIsThatPart) {
  TempDir dir;
  write_safetensors(dir / "a.safetensors", {{"module.visual._orig_mod.blocks._orig_mod.x", values()}});
  EXPECT_EQ(load_weights(dir / "a.safetensors").begin()->first, "visual.blocks.x");
}

TEST(LoadWeights, CountersMayBeAnyNumberOrNotThere) {
  TempDir dir;
  const fs::path file = dir / "a.safetensors";
  for (const at::ScalarType type : {at::kHalf, at::kFloat, at::kDouble, at::kInt, at::kByte, at::kLong}) {
    write_safetensors(file, {{"visual.n.num_batches_tracked", at::full({}, 7, type)}});
    const at::Tensor counter = load_weights(file).at("visual.n.num_batches_tracked");
    EXPECT_EQ(counter.scalar_type(), at::kLong);
    EXPECT_EQ(counter.item<std::int64_t>(), 7) << at::toString(type);
  }
  write_safetensors(file, {{"visual.n.num_batches_tracked", at::full({}, INFINITY, at::kHalf)}});
  EXPECT_EQ(load_weights(file).at("visual.n.num_batches_tracked").item<std::int64_t>(), 0) << "it overflowed";
  write_safetensors(file,
                    {{"model.visual.n.running_mean", values()}, {"model.visual.n.running_var", values()}});
  const WeightMap weights = load_weights(file);
  ASSERT_EQ(weights.count("visual.n.num_batches_tracked"), 1u);
  EXPECT_EQ(weights.at("visual.n.num_batches_tracked").sizes().size(), 0u);
}

// What stands beside weights, the state of random numbers for instance.
TEST(LoadWeights, TensorsThatAreNoWeightsDoNoHarm) {
  TempDir dir;
  const at::Tensor state = at::full({16}, 3, at::kByte);
  write_file_atomic(dir / "a.pt",
                    test::torch_state_dict({{"visual.x", values()}, {"torch_rng_state", state}}));
  const WeightMap weights = load_weights(dir / "a.pt");
  EXPECT_TRUE(at::equal(weights.at("visual.x"), values()));
  EXPECT_EQ(weights.at("torch_rng_state").scalar_type(), at::kByte);
  EXPECT_PILLAR_ERROR(check_weights({{"visual.x", state}}, {{"visual.x", {16}, WeightInit::zeros}}, "a.pt"),
                      ErrorCategory::input, HasSubstr("visual.x Byte expected Float"));
}

TEST(LoadWeights, WhatIsNoSafetensorsIsNamedForWhatItIs) {
  TempDir dir;
  const fs::path file = dir / "model.safetensors";
  write_file_atomic(file, std::string_view("version https://git-lfs.github.com/spec/v1\n"
                                           "oid sha256:4d7a2146\nsize 305812345\n"));
  expect_refused(file, ErrorCategory::input, "not a safetensors file: a pointer of git-lfs");
  write_file_atomic(file, std::string_view("<!DOCTYPE html>\n<html>Not found</html>\n"));
  expect_refused(file, ErrorCategory::input, "a text file, which begins with '<!DOCTYPE html>'");
}

TEST(LoadWeights, OddNumbersAreNamed) {
  TempDir dir;
  const fs::path file = dir / "a.safetensors";
  write_safetensors(file,
                    {{"a", values()}, {"b", at::full({3}, std::nanf(""))}, {"c", at::full({}, INFINITY)}});
  expect_refused(file, ErrorCategory::input, "NaN or infinite: b, c");
  write_safetensors(file, {{"a", at::full({1}, 1e300, at::kDouble)}});
  expect_refused(file, ErrorCategory::input, "NaN or infinite: a");
}

TEST(LoadWeights, ATensorTwiceMustBeTheSame) {
  TempDir dir;
  const fs::path file = dir / "a.safetensors";
  write_safetensors(file, {{"model.visual.x", values()}, {"module.visual.x", values()}});
  EXPECT_EQ(load_weights(file).size(), 1u);
  write_safetensors(file, {{"model.visual.x", values()}, {"module.visual.x", values().mul(2)}});
  expect_refused(file, ErrorCategory::input,
                 "twice under different prefixes, and not equal: module.visual.x");
  write_safetensors(file, {{"model.visual.x", values()}, {"module.visual.x", values().reshape({2, 2})}});
  expect_refused(file, ErrorCategory::input, "twice");
}

TEST(LoadWeights, TheTextProjectionIsKnownByItsShape) {
  TempDir dir;
  const fs::path file = dir / "a.safetensors";
  const at::Tensor projection = values(8 * 5).reshape({8, 5});
  const NamedTensorList tower = {{kNorm, values(8)}, {"pool.hidden_fc.weight", at::zeros({8, 24})}};
  const auto load_with = [&](NamedTensorList more) {
    more.insert(more.end(), tower.begin(), tower.end());
    write_safetensors(file, more);
    return load_weights(file);
  };
  EXPECT_TRUE(at::equal(load_with({{"model.new_name.w", projection}}).at("text.proj.weight"), projection));
  EXPECT_TRUE(
      at::equal(load_with({{"text_head.w", projection}, {"other", at::zeros({8, 2})}}).at("text.proj.weight"),
                projection));
  EXPECT_EQ(load_with({{"a", projection}, {"b", projection}}).count("text.proj.weight"), 0u);
  EXPECT_EQ(load_with({{"a", at::zeros({9, 5})}}).count("text.proj.weight"), 0u);
}

TEST(LoadWeights, ShardsAreReadByTheirIndex) {
  TempDir dir;
  const fs::path index = dir / "model.safetensors.index.json";
  const auto write_index = [&](const std::string& file_of_b) {
    write_file_atomic(index, fmt::format(R"({{"metadata": {{"total_size": 32}},
      "weight_map": {{"model.visual.a": "s-1.safetensors", "model.visual.b": "{}"}}}})",
                                         file_of_b));
  };
  write_safetensors(dir / "s-1.safetensors", {{"model.visual.a", values()}});
  write_safetensors(dir / "s-2.safetensors", {{"model.visual.b", values(2)}});
  write_index("s-2.safetensors");
  for (const fs::path& model : {index, dir.path()}) EXPECT_EQ(load_weights(model).size(), 2u);
  for (const char* path : {"../s-2.safetensors", "/etc/passwd", "x/s-2.safetensors", "..", "", ".hidden"}) {
    write_index(path);
    EXPECT_PILLAR_ERROR(load_weights(index), ErrorCategory::input, HasSubstr("no name of a file beside"));
  }
  write_index("gone.safetensors");
  EXPECT_PILLAR_ERROR(load_weights(index), ErrorCategory::io, HasSubstr("gone.safetensors"));
  write_index("s-1.safetensors");
  EXPECT_PILLAR_ERROR(load_weights(index), ErrorCategory::input, HasSubstr("lacks 'model.visual.b'"));
  write_index("s-2.safetensors");
  write_safetensors(dir / "s-2.safetensors", {{"model.visual.b", values(2)}, {"c", values()}});
  EXPECT_PILLAR_ERROR(load_weights(index), ErrorCategory::input, HasSubstr("holds 'c'"));
  write_file_atomic(index, "{\"weight_map\": []}");
  EXPECT_PILLAR_ERROR(load_weights(index), ErrorCategory::input, HasSubstr("weight_map"));
}

TEST(LoadWeights, TorchCheckpointsOfAnyTrainer) {
  TempDir dir;
  const NamedTensorList plain = {{"module.visual.x", values()},
                                 {"module.visual.n", at::full({}, 3, at::kLong)}};
  for (const std::vector<std::string>& keys :
       {std::vector<std::string>{}, {"state_dict"}, {"model"}, {"model", "state_dict"}}) {
    write_file_atomic(dir / "a.pt", test::torch_state_dict(plain, keys));
    const WeightMap weights = load_weights(dir.path());
    ASSERT_EQ(weights.size(), 2u);
    EXPECT_TRUE(at::equal(weights.at("visual.x"), values()));
    EXPECT_EQ(weights.at("visual.n").item<std::int64_t>(), 3);
  }
  // As the finetuning code saves: the backbone twice, a head, and its optimizer's state.
  const std::string tensor = test::pickled({.sizes = {4}, .strides = {1}});
  const std::string model = test::pickled_dict({{"backbone_model.model.model.visual.x", tensor},
                                                {"backbone_model.visual.x", tensor},
                                                {"pool.volume_pool1.attention_fc.bias", tensor}},
                                               true);
  const std::string state = test::pickled_dict({{"state", test::pickled_dict({{"exp_avg", tensor}})}});
  const std::string pickle =
      test::pickled_dict({{"epoch", test::pickled_integer(2)}, {"model", model}, {"optimizer", state}});
  write_file_atomic(dir / "b.ckpt", test::torch_file(pickle, {values()}));
  const WeightMap weights = load_weights(dir / "b.ckpt");
  EXPECT_EQ(weights.size(), 2u);
  EXPECT_TRUE(at::equal(weights.at("visual.x"), values()));
  EXPECT_EQ(weights.count("pool.volume_pool1.attention_fc.bias"), 1u);
}

TEST(LoadWeights, FoldersWithoutOneAnswerAreRefused) {
  TempDir dir;
  expect_refused(dir / "gone", ErrorCategory::io, "no such file");
  expect_refused(dir.path(), ErrorCategory::io, "holds no model.safetensors");
  write_file_atomic(dir / ".partial-x.pt", std::string_view("x"));
  expect_refused(dir.path(), ErrorCategory::io, "holds no model.safetensors");
  write_safetensors(dir / "a.safetensors", {{"visual.x", values()}});
  write_safetensors(dir / "b.safetensors", {{"visual.x", values()}});
  expect_refused(dir.path(), ErrorCategory::input, "a.safetensors, b.safetensors");
  write_safetensors(dir / "model.safetensors", {{"visual.y", values()}});
  EXPECT_EQ(load_weights(dir.path()).begin()->first, "visual.y");
  write_safetensors(dir / "model.safetensors", {});
  EXPECT_PILLAR_ERROR(load_weights(dir.path()), ErrorCategory::input, HasSubstr("holds no tensor"));
}

TEST(LoadWeights, BrokenFilesAreNamed) {
  TempDir dir;
  write_safetensors(dir / "a.safetensors", {{"visual.x", values(1000)}});
  const std::string whole = read_text_file(dir / "a.safetensors");
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{40}, whole.size() - 1}) {
    write_file_atomic(dir / "cut.safetensors", std::string_view(whole).substr(0, size));
    expect_refused(dir / "cut.safetensors", ErrorCategory::input, "");
  }
  // What a file is shows in its bytes, not in its name.
  write_file_atomic(dir / "b.safetensors", test::torch_state_dict({{"visual.x", values()}}));
  EXPECT_EQ(load_weights(dir / "b.safetensors").size(), 1u);
  fs::copy_file(dir / "a.safetensors", dir / "c.pt");
  EXPECT_EQ(load_weights(dir / "c.pt").size(), 1u);
}

}  // namespace
}  // namespace pillar
