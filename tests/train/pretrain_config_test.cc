#include "pillar/train/pretrain_config.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "train/run/batching.h"

namespace pillar {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kSmallest = R"(
output: run
model: {architecture: arch.json}
data:
  root: /data
  train: [{modality: chest_ct, manifest: m.csv, json: t.jsonl, text: text}]
)";

class PretrainConfigTest : public testing::Test {
 protected:
  PretrainConfig load(const std::string& text, const std::vector<std::string>& assignments = {}) {
    write_file_atomic(dir_ / "c.yaml", text);
    return load_pretrain_config(dir_ / "c.yaml", assignments);
  }
  test::TempDir dir_;
};

TEST_F(PretrainConfigTest, DefaultsAreThePublicRecipe) {
  const PretrainConfig config = load(kSmallest);
  EXPECT_EQ(config.batch_size, 256);
  EXPECT_EQ(config.epochs, 50);
  EXPECT_DOUBLE_EQ(config.lr, 2.5e-4);
  EXPECT_EQ(config.warmup_steps, 300);
  EXPECT_DOUBLE_EQ(config.adamw.beta2, 0.999);
  EXPECT_DOUBLE_EQ(config.adamw.weight_decay, 0);
  EXPECT_DOUBLE_EQ(config.rotation.max_degrees, 20);
  EXPECT_EQ(config.loss.kind, ContrastiveKind::clip);
  EXPECT_EQ(config.loss.same_report, SameReport::negative);
  EXPECT_EQ(config.modalities[0].train[0].manifest, "/data/m.csv");
}

TEST_F(PretrainConfigTest, ResolvedTextReadsBackTheSame) {
  const PretrainConfig config =
      load(kSmallest,
           {"optimizer.lr=3.3e-4", "train.precision=bf16", "optimizer.betas=[0.8,0.95]", "seed=9",
            "data.pad_value.chest_ct=-1024", "model.text_projection=mlp", "train.ema_decay=0.99",
            "loss.kind=siglip", "loss.same_report=leave_out", "data.patients=p.csv",
            "data.max_mismatch_fraction=0.5", "train.max_wait_minutes=2.5", "train.checkpoint_stem=true"});
  const std::string text = format_pretrain_config(config);
  EXPECT_EQ(format_pretrain_config(load(text)), text);
  const PretrainConfig again = load(text);
  EXPECT_DOUBLE_EQ(again.lr, 3.3e-4);
  EXPECT_EQ(again.precision, Precision::bf16);
  EXPECT_DOUBLE_EQ(again.adamw.beta1, 0.8);
  EXPECT_EQ(again.seed, 9u);
  EXPECT_EQ(again.loss.kind, ContrastiveKind::siglip);
  EXPECT_EQ(again.loss.same_report, SameReport::leave_out);
  EXPECT_EQ(again.patients, "/data/p.csv");
  EXPECT_DOUBLE_EQ(again.max_mismatch_fraction, 0.5);
  EXPECT_DOUBLE_EQ(again.max_wait_minutes, 2.5);
  EXPECT_EQ(again.checkpoint_stem, true);
  EXPECT_DOUBLE_EQ(again.pad_value.at("chest_ct"), -1024);
  EXPECT_EQ(again.text_projection, TextProjectionKind::mlp);
  EXPECT_EQ(again.modalities[0].train[0].text_cache, "/data/text");
}

TEST_F(PretrainConfigTest, TheStemIsComputedTwiceWhereSaidElseOnAGpu) {
  const at::Device gpu(at::kCUDA, 0);
  const auto wanted = [&](const std::vector<std::string>& assignments, at::Device device) {
    const PretrainConfig config = load(kSmallest, assignments);
    EXPECT_EQ(load(format_pretrain_config(config)).checkpoint_stem, config.checkpoint_stem);
    return is_stem_checkpointed(config, device);
  };
  for (const std::vector<std::string>& unsaid :
       {std::vector<std::string>(), std::vector<std::string>{"train.checkpoint_stem=auto"}}) {
    EXPECT_FALSE(wanted(unsaid, at::kCPU));
    EXPECT_TRUE(wanted(unsaid, gpu));
  }
  EXPECT_TRUE(wanted({"train.checkpoint_stem=true"}, at::kCPU));
  EXPECT_FALSE(wanted({"train.checkpoint_stem=false"}, gpu));
  for (const char* fault :
       {"train.checkpoint_stem=yes", "train.checkpoint_stem=1", "train.checkpoint_stem=[auto]"})
    EXPECT_PILLAR_ERROR(load(kSmallest, {fault}), ErrorCategory::input, HasSubstr("train.checkpoint_stem"));
}

TEST_F(PretrainConfigTest, FaultsAreNamedByKey) {
  EXPECT_PILLAR_ERROR(load(kSmallest, {"train.epoch=3"}), ErrorCategory::input,
                      AllOf(HasSubstr("epoch"), HasSubstr("epochs")));
  EXPECT_PILLAR_ERROR(load(kSmallest, {"train.precision=int8"}), ErrorCategory::input,
                      HasSubstr("train.precision"));
  EXPECT_PILLAR_ERROR(load(kSmallest, {"train.micro_batch=7"}), ErrorCategory::input,
                      HasSubstr("train.micro_batch: must be a divisor"));
  EXPECT_PILLAR_ERROR(load(kSmallest, {"train.batch_size=1", "train.micro_batch=1"}), ErrorCategory::input,
                      HasSubstr("train.batch_size: must be 2 or more"));
  EXPECT_PILLAR_ERROR(load(kSmallest, {"data.max_mismatch_fraction=1.5"}), ErrorCategory::input,
                      HasSubstr("data.max_mismatch_fraction"));
  EXPECT_PILLAR_ERROR(load(kSmallest, {"train.max_wait_minutes=0"}), ErrorCategory::input,
                      HasSubstr("train.max_wait_minutes"));
  EXPECT_PILLAR_ERROR(load(kSmallest, {"optimizer.lr=-1"}), ErrorCategory::input, HasSubstr("optimizer.lr"));
  EXPECT_PILLAR_ERROR(load(kSmallest, {"seed=-1"}), ErrorCategory::input, HasSubstr("seed"));
  EXPECT_PILLAR_ERROR(load("output: run\nmodel: {architecture: a}\n"), ErrorCategory::input,
                      HasSubstr("no dataset"));
  EXPECT_PILLAR_ERROR(load("output: run\ndata: {train: [{modality: a, manifest: m, text: t}]}\n"),
                      ErrorCategory::input, HasSubstr("architecture"));
}

TEST_F(PretrainConfigTest, AModalityThatIsOnlyValidatedIsAnError) {
  std::string text = kSmallest;
  text += "  validation: [{modality: brain_ct, manifest: m.csv, text: text}]\n";
  EXPECT_PILLAR_ERROR(load(text), ErrorCategory::input, HasSubstr("brain_ct has no dataset to train on"));
}

}  // namespace
}  // namespace pillar
