// The heads' goldens through pillar_parity, and gradients of the survival loss.
#include "pillar/core/config.h"
#include "pillar/core/safetensors.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/model/head_layers.h"

#include "support/goldens.h"
#include "support/program.h"
#include "support/temp_dir.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/max.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// The README's: of the tensor's largest number.
constexpr double kGoldenTolerance = 1e-5;

std::vector<fs::path> heads_goldens() {
  std::vector<fs::path> stems;
  for (const auto& entry : fs::directory_iterator(test::golden("finetune"))) {
    const fs::path& path = entry.path();
    if (path.extension() == ".safetensors" && path.filename().string().starts_with("heads_"))
      stems.push_back(path.parent_path() / path.stem());
  }
  return stems;
}

fs::path with_ending(fs::path stem, const char* ending) {
  stem += ending;
  return stem;
}

void expect_golden(const at::Tensor& ours, const at::Tensor& expected, const std::string& name,
                   double floor = 1e-7) {
  ASSERT_EQ(ours.sizes(), expected.sizes()) << name;
  const double largest = at::abs(expected).max().item<double>();
  EXPECT_LE(at::abs(ours - expected).max().item<double>(), kGoldenTolerance * largest + floor) << name;
}

TEST(HeadsGoldens, EveryOutput) {
  PILLAR_NEEDS_GOLDEN("finetune");
  const test::TempDir dir;
  for (const fs::path& stem : heads_goldens()) {
    SCOPED_TRACE(stem.filename().string());
    const fs::path out = dir / "out.safetensors";
    const test::ProgramResult run =
        test::run_program({PILLAR_PARITY, "finetune", stem.string(), out.string()});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_TRUE(fs::exists(dir / "out.json"));
    const SafetensorsFile expected(with_ending(stem, ".safetensors")), ours(out);
    int compared = 0;
    for (const auto& [name, entry] : expected.entries()) {
      const bool of_heads = name.starts_with("out.") && name != "out.target_boxes";
      if (!of_heads && name != "aux.pos_embed") continue;
      ASSERT_TRUE(ours.contains(name)) << name;
      expect_golden(ours.tensor(name), expected.tensor(name), name);
      ++compared;
    }
    EXPECT_GE(compared, 17);
  }
}

TEST(HeadsGoldens, GradientsOfTheSurvivalLoss) {
  PILLAR_NEEDS_GOLDEN("finetune");
  for (const fs::path& stem : heads_goldens()) {
    SCOPED_TRACE(stem.filename().string());
    const SafetensorsFile golden(with_ending(stem, ".safetensors"));
    WeightMap weights;
    for (const auto& [name, entry] : golden.entries()) {
      if (name.starts_with("param.")) weights.emplace(name.substr(6), golden.tensor(name).clone());
    }
    Parameters parameters;
    const AttentionPool pool(weights, "golden", &parameters);
    const HazardHead hazard(weights, "golden", &parameters);
    NamedTensors leaves = parameters.of_kind(ParameterKind::trainable);
    leaves.emplace_back("activ", golden.tensor("in.activ").clone());
    for (auto& [name, tensor] : leaves) tensor.requires_grad_(true);
    const at::Tensor known = golden.tensor("in.y_mask").to(at::kFloat);
    const at::Tensor each = at::binary_cross_entropy_with_logits(hazard(pool(leaves.back().second).hidden),
                                                                 golden.tensor("in.y_seq").to(at::kFloat), {},
                                                                 {}, at::Reduction::None);
    torch::autograd::backward({(each * known).sum() / known.sum()}, {});
    for (const auto& [name, tensor] : leaves) {
      const std::string stored = "grad.survival." + name;
      // The sum of a softmax's gradients is zero but for rounding.
      const bool is_noise = name.ends_with("attention_fc.bias");
      if (golden.contains(stored))
        expect_golden(tensor.grad(), golden.tensor(stored), stored, is_noise ? 1e-5 : 1e-7);
    }
    EXPECT_FALSE(weights.at("head_models.survival.upper_triagular_mask").requires_grad());
  }
}

TEST(HeadsGoldens, NamesAndShapesOfTheReleasedHeads) {
  PILLAR_NEEDS_GOLDEN("finetune/head_state_dict_shapes.json");
  const Config json = Config::load(test::golden("finetune/head_state_dict_shapes.json"));
  const Config entries = json.get("entries");
  HeadsConfig heads;
  heads.kind = OutcomeKind::survival;
  heads.outputs = {"year 1", "year 2", "year 3", "year 4", "year 5", "year 6"};
  heads.features = HeadFeatures::attention;
  heads.detection = DetectionHeadConfig{};
  std::int64_t trainable = 0;
  const std::vector<WeightSpec> expected = expected_head_weights(1152, heads);
  EXPECT_EQ(expected.size(), entries.size());
  for (const WeightSpec& spec : expected) {
    const Config entry = entries.get(spec.name);
    ASSERT_TRUE(entry.exists()) << spec.name;
    EXPECT_EQ(entry.get("shape").as_ints(spec.shape.size()), spec.shape) << spec.name;
    EXPECT_EQ(entry.get("trainable").as_bool(), spec.kind == ParameterKind::trainable) << spec.name;
    std::int64_t count = spec.kind == ParameterKind::trainable ? 1 : 0;
    for (const std::int64_t size : spec.shape) count *= size;
    trainable += count;
  }
  EXPECT_EQ(trainable, json.get("parameters_trainable").as_int());
}

}  // namespace
}  // namespace pillar
