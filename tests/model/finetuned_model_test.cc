#include "pillar/model/finetuned_model.h"

#include "pillar/core/file.h"
#include "pillar/model/encoder.h"
#include "pillar/windows/windowed_volume.h"

#include "support/atlas_configs.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/torch_file.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

HeadsConfig sybil_heads() {
  HeadsConfig heads;
  heads.kind = OutcomeKind::survival;
  heads.outputs = {"year 1", "year 2"};
  heads.features = HeadFeatures::attention;
  heads.pool_kernel = 3;
  heads.detection = DetectionHeadConfig{1, 1, 16, 1, 16, 1, 1, 0.1};
  return heads;
}

HeadsConfig finding_heads() {
  HeadsConfig heads;
  heads.outputs = {"effusion", "nodule", "emphysema"};
  return heads;
}

WeightMap tower_and_heads(const HeadsConfig& heads) {
  WeightMap weights = random_weights(test::small_config(), 3);
  weights.merge(initial_head_weights(test::small_config().readout_width(), heads, 4));
  return weights;
}

FinetunedModel finetuned(const HeadsConfig& heads) {
  return {test::small_config(), "abdomen_ct", heads, tower_and_heads(heads), at::kCPU, "test"};
}

at::Tensor small_image(std::int64_t batch = 2) {
  return at::rand({batch, 2, 48, 48, 48}, at::detail::createCPUGenerator(1));
}

FinetunedPass training_pass() {
  FinetunedPass pass;
  pass.atlas.train = true;
  pass.atlas.execution.gradients = true;
  return pass;
}

// Names of the trainable parameters without a gradient after a backward.
std::vector<std::string> without_gradient(const FinetunedModel& model, const FinetunedOutput& out) {
  at::Tensor sum = out.logits.sum();
  if (out.detection) sum = sum + out.detection->pred_boxes.sum() + out.detection->pred_logits.sum();
  torch::autograd::backward({sum}, {});
  std::vector<std::string> names;
  for (const auto& [name, tensor] : model.parameters().of_kind(ParameterKind::trainable)) {
    if (!tensor.grad().defined()) names.push_back(name);
  }
  return names;
}

TEST(FinetunedModel, EveryParameterGetsAGradient) {
  for (const HeadsConfig& heads : {sybil_heads(), finding_heads()}) {
    const FinetunedModel model = finetuned(heads);
    FinetunedPass pass = training_pass();
    pass.want_detection = heads.detection.has_value();
    const FinetunedOutput out = model.forward(small_image(), pass);
    EXPECT_EQ(out.logits.size(1), static_cast<std::int64_t>(heads.outputs.size()));
    EXPECT_EQ(out.pool.hidden.defined(), heads.features == HeadFeatures::attention);
    EXPECT_THAT(without_gradient(model, out), testing::IsEmpty());
  }
}

TEST(FinetunedModel, StemAndBlocksThatAreComputedTwiceGiveTheSameGradients) {
  std::vector<at::Tensor> gradients;
  for (const bool twice : {false, true}) {
    const FinetunedModel model = finetuned(sybil_heads());
    FinetunedPass pass = training_pass();
    pass.atlas.checkpoint_blocks = pass.atlas.checkpoint_stem = twice;
    torch::autograd::backward({model.forward(small_image(), pass).logits.sum()}, {});
    gradients.push_back(
        model.parameters().find("visual.patch_embeds.abdomen_ct.ds1.norm.weight")->tensor.grad());
  }
  EXPECT_TRUE(at::allclose(gradients[0], gradients[1], 1e-4, 1e-6));
}

TEST(FinetunedModel, AFrozenTowerRunsAsForInference) {
  const FinetunedModel model = finetuned(sybil_heads());
  const std::string mean = "visual.patch_embeds.abdomen_ct.conv_down.1.running_mean";
  const at::Tensor before = model.weights().at(mean).clone();
  FinetunedPass pass = training_pass(), inference;
  pass.frozen_tower = true;
  const FinetunedOutput out = model.forward(small_image(), pass);
  EXPECT_TRUE(at::equal(model.weights().at(mean), before));
  EXPECT_TRUE(at::allclose(out.pool.hidden, model.forward(small_image(), inference).pool.hidden, 1e-5, 1e-6));
  for (const std::string& name : without_gradient(model, out))
    EXPECT_TRUE(name.starts_with("visual.") || name.starts_with("head_models.detr.")) << name;
  EXPECT_TRUE(model.parameters().find("pool.hidden_fc.weight")->tensor.grad().defined());
}

TEST(FinetunedModel, AFrozenStemKeepsItsStatisticsAndTheRestTrains) {
  const FinetunedModel model = finetuned(finding_heads());
  const std::string mean = "visual.patch_embeds.abdomen_ct.conv_down.1.running_mean";
  const at::Tensor before = model.weights().at(mean).clone();
  FinetunedPass pass = training_pass();
  pass.atlas.frozen_patch_embed = pass.atlas.checkpoint_stem = true;
  const std::vector<std::string> names = without_gradient(model, model.forward(small_image(), pass));
  EXPECT_TRUE(at::equal(model.weights().at(mean), before));
  EXPECT_FALSE(names.empty());
  for (const std::string& name : names) EXPECT_TRUE(name.starts_with("visual.patch_embeds.")) << name;
}

TEST(FinetunedModel, HoldsItsOwnTensorsOnly) {
  WeightMap weights = tower_and_heads(finding_heads());
  weights["text.proj.weight"] = at::zeros({96, 8});
  const FinetunedModel model(test::small_config(), "abdomen_ct", finding_heads(), weights, at::kCPU, "test");
  for (const auto& [name, tensor] : model.weights())
    EXPECT_TRUE(name.starts_with("visual.") || name.starts_with("head_models.")) << name;
  EXPECT_FALSE(weights.at("head_models.classification.fc.weight").requires_grad());
  EXPECT_EQ(model.parameters().find("head_models.classification.fc.weight")->group, "head");
}

TEST(FinetunedModel, WeightsOfAnotherKindAreRefused) {
  const auto build = [](const WeightMap& weights) {
    return FinetunedModel(test::small_config(), "abdomen_ct", finding_heads(), weights, at::kCPU, "x.ckpt");
  };
  EXPECT_PILLAR_ERROR(build({{"layer1.0.conv1.weight", at::zeros({1})}}), ErrorCategory::input,
                      AllOf(HasSubstr("x.ckpt"), HasSubstr("another architecture"), HasSubstr("layer1.0")));
  HeadsConfig survival = sybil_heads();
  survival.detection.reset();
  EXPECT_PILLAR_ERROR(build(tower_and_heads(survival)), ErrorCategory::input,
                      AllOf(HasSubstr("x.ckpt"), HasSubstr("missing: head_models.classification.fc.weight"),
                            HasSubstr("head_models.survival.hazard_fc.weight")));
  WeightMap broken = tower_and_heads(finding_heads());
  broken.erase("visual.patch_embeds.abdomen_ct.ds1.norm.bias");
  broken.erase("head_models.classification.fc.bias");
  EXPECT_PILLAR_ERROR(build(broken), ErrorCategory::input,
                      AllOf(HasSubstr("ds1.norm.bias"), HasSubstr("classification.fc.bias")));
}

// The encoder's lean pass and the heads beside it agree with the whole model, and heads in the weights do not
// disturb the encoder.
TEST(FinetunedModel, AnExportedModelPredictsTheSame) {
  const HeadsConfig heads = sybil_heads();
  const FinetunedModel model = finetuned(heads);
  const test::TempDir dir;
  const std::filesystem::path folder = dir / "model";
  write_checkpoint(folder, with_heads_config(format_atlas_config(test::small_config()), heads),
                   model.weights());
  const WeightMap back = load_weights(folder);
  ASSERT_EQ(back.size(), model.weights().size());
  for (const auto& [name, tensor] : model.weights()) EXPECT_TRUE(at::equal(back.at(name), tensor)) << name;
  const at::NoGradGuard no_gradients;
  const ModelFolder opened = open_model_folder(folder);
  const FinetunedHeads on_top(96, parse_heads_config(opened.document.get("finetune")),
                              copied_head_weights(back, at::kCPU), folder.string());
  EncoderOptions options;
  options.dtype = "fp32";
  options.device = "cpu";
  const Encoder encoder = Encoder::load(opened, options);
  const std::vector<Window> windows = parse_windows("lung,bone", WindowFamily::ct);
  const at::Tensor voxels =
      at::randint(-1000, 1500, {2, 1, 48, 48, 48}, at::detail::createCPUGenerator(8), at::kShort);
  const FinetunedOutput lean = on_top(encoder.features(voxels, windows, true), {});
  const FinetunedOutput whole =
      model.forward(WindowedVolume(voxels, windows).all_bcdhw(at::kFloat), FinetunedPass{});
  EXPECT_TRUE(at::allclose(lean.logits, whole.logits, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(lean.pool.image_attention_1, whole.pool.image_attention_1, 1e-4, 1e-4));
  EXPECT_FALSE(encoder.features(voxels, windows, false).activ.defined());
}

// What easydict.EasyDict leaves in a pickle: an object made without arguments, its items, and its attributes,
// which are the same again.
std::string pickled_easy_dict(const std::vector<std::pair<std::string, std::string>>& items,
                              const char* made_by = ")\x81") {
  std::string text = test::pickled_global("easydict", "EasyDict") + made_by, both = "(";
  for (const auto& [key, value] : items) both += test::pickled_text(key) + value;
  return text + both + "u}" + both + "ub";
}

struct PickledState {
  std::string pickle;
  std::vector<at::Tensor> storages;
};

// Every tower tensor twice, on one storage, as the public training code saves it.
PickledState pickled_state(const WeightMap& weights) {
  std::vector<std::pair<std::string, std::string>> items;
  PickledState state;
  for (const auto& [name, tensor] : weights) {
    test::PickledTensor record;
    record.key = static_cast<int>(state.storages.size());
    record.storage = tensor.scalar_type() == at::kLong ? "LongStorage" : "FloatStorage";
    for (const std::int64_t size : tensor.sizes()) record.sizes.push_back(static_cast<int>(size));
    for (const std::int64_t stride : tensor.strides()) record.strides.push_back(static_cast<int>(stride));
    state.storages.push_back(tensor);
    const bool of_head = name.starts_with("pool.") || name.starts_with("head_models.");
    if (of_head) {
      items.emplace_back(name, test::pickled(record));
    } else {
      items.emplace_back("backbone_model.model.model." + name, test::pickled(record));
      if (name.starts_with("visual.")) items.emplace_back("backbone_model." + name, test::pickled(record));
    }
  }
  state.pickle = test::pickled_dict(items, true);
  return state;
}

TEST(TrainingCheckpoint, IsReadPastArgumentsOfAnyClass) {
  const WeightMap weights = tower_and_heads(sybil_heads());
  const PickledState state = pickled_state(weights);
  const std::string inner = pickled_easy_dict({{"lr", test::pickled_integer(1)}});
  const std::string reduced = pickled_easy_dict({{"seed", test::pickled_integer(42)}}, ")R");
  const std::string hostile =
      test::pickled_global("os", "system") + test::pickled_tuple({test::pickled_text("exit 1")}) + "R";
  const std::string args = pickled_easy_dict({{"optimizer", inner}, {"main", reduced}, {"hook", hostile}});
  const std::string groups = test::pickled_dict({{"state", test::pickled_dict({})}});
  const std::string file =
      test::pickled_dict({{"epoch", test::pickled_integer(2)},
                          {"model", state.pickle},
                          {"optimizer", groups},
                          {"scheduler", test::pickled_dict({{"last_epoch", test::pickled_integer(3)}})},
                          {"args", args}});
  const test::TempDir dir;
  write_file_atomic(dir / "epoch=2.ckpt", test::torch_file(file, state.storages));
  const WeightMap loaded = load_weights(dir / "epoch=2.ckpt");
  ASSERT_EQ(loaded.size(), weights.size());
  for (const auto& [name, tensor] : weights) EXPECT_TRUE(at::equal(loaded.at(name), tensor)) << name;
  const HeadsConfig heads = infer_heads_config(loaded, "epoch=2.ckpt");
  const FinetunedModel model(test::small_config(), "abdomen_ct", heads, loaded, at::kCPU, "epoch=2.ckpt");
  EXPECT_EQ(model.heads().outputs, sybil_heads().outputs);
}

// A projection of texts goes by its shape where its name is unknown; a head's matrix may have the same.
TEST(TrainingCheckpoint, HeadsAreNotTakenForATextProjection) {
  WeightMap weights = tower_and_heads(sybil_heads());
  weights.emplace("backbone_model.model.model.report_proj.weight", at::zeros({96, 8}));
  const test::TempDir dir;
  write_checkpoint(dir / "model", format_atlas_config(test::small_config()), weights);
  const WeightMap loaded = load_weights(dir / "model");
  EXPECT_EQ(loaded.at("text.proj.weight").sizes(), at::IntArrayRef({96, 8}));
  EXPECT_EQ(loaded.at("pool.hidden_fc.weight").sizes(), at::IntArrayRef({96, 288}));
}

}  // namespace
}  // namespace pillar
