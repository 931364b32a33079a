#include "pillar/train/finetune_config.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>

namespace pillar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kFindings = R"(output: run
task: {kind: multilabel, labels: [edema, "mass, large"]}
model: {init: base, hidden_width: 8, pad_value: -1024}
data: {root: data, table: labels.csv, train_fraction: 0.1}
loss: {kind: focal, positive_weight: balanced}
train: {freeze: stem, probe_epochs: 2, epochs: 10}
optimizer: {layer_decay: 0.8, min_lr: 1e-6, warmup_epochs: 0.5}
evaluation: {calibration: isotonic, bootstrap: 20}
)";

constexpr const char* kSurvival = R"(output: run
task: {kind: survival, horizon: 5}
model: {init: base, features: attention, detection: {queries: 2}}
data: {nlst: {dataset: nlst.json, samples: s, ignored_exams: ["1"]}}
loss: {image_attention: 1, detection: 0.5}
)";

FinetuneConfig load(const test::TempDir& dir, const char* text, const std::vector<std::string>& set = {}) {
  write_file_atomic(dir / "c.yaml", std::string_view(text));
  return load_finetune_config(dir / "c.yaml", set);
}

TEST(FinetuneConfig, EveryKeySurvivesWritingAndReading) {
  const test::TempDir dir;
  for (const char* text : {kFindings, kSurvival}) {
    const std::string written = format_finetune_config(load(dir, text));
    EXPECT_EQ(format_finetune_config(load(dir, written.c_str())), written);
  }
  const FinetuneConfig config = load(dir, kFindings, {"optimizer.lr=0.5", "seed=7"});
  EXPECT_EQ(config.lr, 0.5);
  EXPECT_EQ(config.seed, 7);
  EXPECT_EQ(config.table, "data/labels.csv");
  EXPECT_THAT(config.columns.labels, ElementsAre("edema", "mass, large"));
  EXPECT_EQ(config.freeze, Freeze::stem);
  EXPECT_EQ(config.calibration, CalibrationMethod::isotonic);
  EXPECT_EQ(config.batch_size, 8) << "a default of finetuning's own";
}

TEST(FinetuneConfig, WhatMakesNoSenseIsNamed) {
  const test::TempDir dir;
  const auto refused = [&](const char* text, const std::string& assignment, const std::string& words) {
    EXPECT_PILLAR_ERROR(load(dir, text, {assignment}), ErrorCategory::input, HasSubstr(words));
  };
  refused(kFindings, "train.freezes=stem", "did you mean 'freeze'");
  refused(kFindings, "train.freeze=head", "'head' is none of none, stem, backbone");
  refused(kFindings, "task.labels=[]", "task.labels: must be a list of the columns to learn");
  refused(kFindings, "task.kind=multiclass", "task.label: must be the one column");
  refused(kFindings, "data.train_fraction=0", "data.train_fraction: must be above 0");
  refused(kFindings, "train.probe_epochs=10", "train.probe_epochs: must be 0 or more, below train.epochs");
  refused(kFindings, "optimizer.min_lr=1", "optimizer.min_lr");
  refused(kFindings, "optimizer.layer_decay=0", "optimizer.layer_decay");
  refused(kFindings, "loss.detection=1", "loss.detection: must be 0 without model.detection");
  refused(kFindings, "loss.image_attention=1",
          "loss.image_attention: must be 0 without model.features attention");
  refused(kFindings, "evaluation.calibration=temperature", "evaluation.calibration");
  refused(kFindings, "model.init=''", "model.init: must be a checkpoint to start from");
  refused(kSurvival, "model.features=readout", "model.features: must be attention");
  refused(kSurvival, "loss.kind=focal", "loss.kind: must be left out");
  refused(kSurvival, "data.table=t.csv", "data.table: must be a CSV of studies, or data.nlst");
}

}  // namespace
}  // namespace pillar
