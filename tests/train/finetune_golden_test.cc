// Goldens of losses, matching, learning rates and small training runs through pillar_parity, the program that
// outside comparisons use.
#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"

#include "support/goldens.h"
#include "support/program.h"
#include "support/temp_dir.h"

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using GoldenJson = nlohmann::json;

// What a golden of a family has, and what we make of it.
struct FinetuneGolden {
  std::string name;
  GoldenJson expected, ours;
  fs::path expected_tensors, our_tensors;  // may not exist: some families are JSON only
};

FinetuneGolden repeat(const std::string& name, const test::TempDir& dir) {
  const fs::path stem = test::golden("finetune/" + name), out = dir / (name + ".safetensors");
  const test::ProgramResult run = test::run_program({PILLAR_PARITY, "finetune", stem.string(), out.string()});
  EXPECT_EQ(run.exit_code, 0) << name << ": " << run.err;
  FinetuneGolden golden{name, {}, {}, stem, out};
  golden.expected_tensors += ".safetensors";
  golden.expected = GoldenJson::parse(read_text_file(fs::path(stem.string() + ".json")));
  if (run.exit_code == 0) golden.ours = GoldenJson::parse(read_text_file(dir / (name + ".json")));
  return golden;
}

std::vector<FinetuneGolden> goldens_of(const std::string& family, const test::TempDir& dir) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(test::golden("finetune"))) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() == ".json" && name.starts_with(family)) names.insert(name);
  }
  std::vector<FinetuneGolden> goldens;
  for (const std::string& name : names) goldens.push_back(repeat(name, dir));
  EXPECT_FALSE(goldens.empty()) << family;
  return goldens;
}

// Every value of `expected`, at any depth: numbers within the tolerance, all else the same.
void expect_values(const GoldenJson& expected, const GoldenJson& ours, double relative,
                   const std::string& place, double absolute = 0) {
  if (expected.is_structured()) {
    ASSERT_EQ(ours.size(), expected.size()) << place;
    for (const auto& [key, value] : expected.items()) {
      const std::string below = place + "." + key;
      const bool named = expected.is_object();
      ASSERT_TRUE(!named || ours.contains(key)) << below;
      expect_values(value, named ? ours.at(key) : ours.at(std::stoul(key)), relative, below, absolute);
    }
  } else if (expected.is_number()) {
    ASSERT_TRUE(ours.is_number()) << place;
    EXPECT_NEAR(ours.get<double>(), expected.get<double>(),
                absolute + relative * std::abs(expected.get<double>()))
        << place;
  } else {
    EXPECT_EQ(ours, expected) << place;
  }
}

void expect_key(const FinetuneGolden& golden, const char* key, double relative, double absolute = 0) {
  ASSERT_TRUE(golden.ours.contains(key)) << golden.name << " " << key;
  expect_values(golden.expected.at(key), golden.ours.at(key), relative, golden.name + "." + key, absolute);
}

double largest(const at::Tensor& tensor) {
  return tensor.numel() == 0 ? 0 : at::abs(tensor).max().item<double>();
}

// Those that the golden calls rounding noise are compared with 0 on the scale of other gradients.
void expect_tensors(const FinetuneGolden& golden, const std::set<std::string>& noise) {
  const SafetensorsFile expected(golden.expected_tensors), ours(golden.our_tensors);
  for (const auto& [name, entry] : expected.entries()) {
    if (!name.starts_with("out.") && !name.starts_with("grad.")) continue;
    if (noise.contains(name)) {
      if (ours.contains(name)) {
        EXPECT_LE(largest(ours.tensor(name)), 1e-5) << golden.name << " " << name;
      }
      continue;
    }
    ASSERT_TRUE(ours.contains(name)) << golden.name << " " << name;
    const at::Tensor reference = expected.tensor(name);
    ASSERT_EQ(ours.tensor(name).sizes(), reference.sizes()) << golden.name << " " << name;
    EXPECT_LE(largest(ours.tensor(name) - reference), 1e-5 * largest(reference))
        << golden.name << " " << name;
  }
}

// Besides what the golden lists: the gradient of a softmax's bias is 0 but for rounding, whose size depends
// on the order of sums.
std::set<std::string> noise_of(const FinetuneGolden& golden) {
  std::set<std::string> noise;
  for (const auto& [kind, seen] : golden.expected.at("sensitivity_to_1e-7_relative_weight_noise").items()) {
    if (!seen.is_object()) continue;
    for (const GoldenJson& name : seen.at("tensors_that_are_rounding_noise")) noise.insert(name);
  }
  const SafetensorsFile tensors(golden.expected_tensors);
  for (const auto& [name, entry] : tensors.entries()) {
    if (name.starts_with("grad.") && name.ends_with("attention_fc.bias")) noise.insert(name);
  }
  return noise;
}

TEST(FinetuneGoldens, LossesOfHeadsAndTheirGradients) {
  PILLAR_NEEDS_GOLDEN("finetune");
  const test::TempDir dir;
  for (const FinetuneGolden& golden : goldens_of("heads_", dir)) {
    for (const char* key : {"losses", "loss_components", "losses_no_annotation", "sybil_no_laterality"})
      expect_key(golden, key, 2e-6);
    expect_key(golden, "detr_match", 0);
    expect_tensors(golden, noise_of(golden));
  }
}

TEST(FinetuneGoldens, MatchingAndCriterion) {
  PILLAR_NEEDS_GOLDEN("finetune");
  const test::TempDir dir;
  for (const FinetuneGolden& golden : goldens_of("detr_match", dir)) {
    expect_key(golden, "match", 0);
    expect_key(golden, "losses", 2e-6);
    expect_tensors(golden, {});
  }
}

TEST(FinetuneGoldens, MultilabelLossAndMetrics) {
  PILLAR_NEEDS_GOLDEN("finetune");
  const test::TempDir dir;
  for (const FinetuneGolden& golden : goldens_of("multilabel", dir)) {
    expect_key(golden, "loss", 2e-6);
    expect_key(golden, "loss_pos_weight", 2e-6);
    expect_key(golden, "metrics", 0, 2e-6);
    expect_tensors(golden, {});
  }
}

TEST(FinetuneGoldens, LearningRatesAndLayers) {
  PILLAR_NEEDS_GOLDEN("finetune");
  const test::TempDir dir;
  for (const FinetuneGolden& golden : goldens_of("lr_and_layer_decay", dir)) {
    expect_key(golden, "schedules", 1e-12);
    const GoldenJson& expected = golden.expected.at("layer_decay");
    for (std::size_t i = 0; i < expected.size(); ++i) {
      for (const char* key : {"params", "groups_in_optimizer_order"}) {
        expect_values(expected.at(i).at(key), golden.ours.at("layer_decay").at(i).at(key), 1e-12,
                      golden.name + "." + key);
      }
    }
  }
}

TEST(FinetuneGoldens, BoxesOfMasksAndThePublishedLoss) {
  PILLAR_NEEDS_GOLDEN("finetune");
  const test::TempDir dir;
  for (const FinetuneGolden& golden : goldens_of("misc", dir)) {
    expect_key(golden, "mask_to_bounding_box", 0, 1e-7);
    expect_key(golden, "readme_sample", 2e-6);
  }
}

// `weight` is the difference of a final weight. Adam makes whole steps of rounding where there is no gradient
// but that: the bias of a softmax and the key's third of a bias of queries, keys and values. It amplifies it
// where gradients are tiny: queries and keys of the first encoder layer in the run that accumulates (1e-3).
void expect_final_weight(const std::string& name, const at::Tensor& weight) {
  if (name.ends_with("attention_fc.bias")) return;
  constexpr double kTolerance = 5e-5;
  if (name.find("in_proj_") == std::string::npos) {
    EXPECT_LE(largest(weight), kTolerance) << name;
    return;
  }
  const std::int64_t width = weight.size(0) / 3;
  const bool is_bias = name.ends_with("in_proj_bias");
  const bool is_tiny = !is_bias && name.find("train_accum_clip") != std::string::npos &&
                       name.find(".encoder.layers.0.") != std::string::npos;
  EXPECT_LE(largest(weight.narrow(0, 0, width)), is_tiny ? 1e-3 : kTolerance) << name << ", queries";
  if (!is_bias) {
    EXPECT_LE(largest(weight.narrow(0, width, width)), is_tiny ? 1e-3 : kTolerance) << name << ", keys";
  }
  EXPECT_LE(largest(weight.narrow(0, 2 * width, width)), kTolerance) << name << ", values";
}

TEST(FinetuneGoldens, WholeTrainingRuns) {
  PILLAR_NEEDS_GOLDEN("finetune");
  const test::TempDir dir;
  for (const FinetuneGolden& golden : goldens_of("train", dir)) {
    expect_key(golden, "group_lr_per_epoch", 1e-12);
    expect_key(golden, "steps", 0, 1e-4);
    expect_key(golden, "global_step", 0);
    const SafetensorsFile expected(golden.expected_tensors), ours(golden.our_tensors);
    for (const auto& [name, entry] : expected.entries()) {
      if (!name.starts_with("final.")) continue;
      ASSERT_TRUE(ours.contains(name)) << golden.name << " " << name;
      expect_final_weight(golden.name + " " + name, ours.tensor(name) - expected.tensor(name));
    }
  }
}

}  // namespace
}  // namespace pillar
