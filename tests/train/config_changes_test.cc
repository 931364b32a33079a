#include "train/run/config_changes.h"

#include "pillar/train/finetune_config.h"
#include "pillar/train/pretrain_config.h"

#include <gmock/gmock.h>

namespace pillar {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConfigChanges, NameEveryKeyThatChangesWhatIsTrained) {
  EXPECT_THAT(
      config_changes("optimizer: {lr: 0.1, betas: [0.9, 0.99]}\naugment: {rotation: {probability: 0.5}}\n",
                     "optimizer: {lr: 0.1, betas: [0.9, 0.999]}\nmodel: {init: a}\n"),
      ElementsAre("model.init: not there -> a", "optimizer.betas: [0.9, 0.99] -> [0.9, 0.999]",
                  "augment.rotation.probability: 0.5 -> not there"));
}

TEST(ConfigChanges, LeaveAloneWhatMayDifferFromStartToStart) {
  PretrainConfig before;
  before.output = "a";
  PretrainConfig now = before;
  now.output = "b";
  now.log_steps = 77;
  now.checkpoint_steps = 5;
  now.checkpoints_kept = 9;
  now.loader_threads = 3;
  now.validation_epochs = 4;
  now.micro_batch += 1;
  EXPECT_THAT(config_changes(format_pretrain_config(before), format_pretrain_config(now)), IsEmpty());
  now.lr *= 2;
  now.ema_decay = 0.99;
  now.epochs += 1;
  now.rotation.probability = 0.25;
  EXPECT_EQ(config_changes(format_pretrain_config(before), format_pretrain_config(now)).size(), 4u);
}

TEST(ConfigChanges, OfAFinetuning) {
  FinetuneConfig before;
  FinetuneConfig now = before;
  now.bootstrap.replicates = 3;
  EXPECT_THAT(config_changes(format_finetune_config(before), format_finetune_config(now)), IsEmpty());
  now.layer_decay = 0.5;
  EXPECT_THAT(config_changes(format_finetune_config(before), format_finetune_config(now)),
              ElementsAre("optimizer.layer_decay: 1 -> 0.5"));
}

// A checkpoint of an earlier version says nothing of what is as it was then.
TEST(ConfigChanges, KeysThatCameLaterAreAsBefore) {
  const std::string before = "optimizer: {lr: 0.1}\n";
  EXPECT_TRUE(config_changes(before,
                             "optimizer: {lr: 0.1}\nloss: {kind: clip, same_report: negative}\n"
                             "data: {patients: \"\", max_mismatch_fraction: 0.5}\n")
                  .empty());
  EXPECT_EQ(
      config_changes(before, "optimizer: {lr: 0.1}\nloss: {kind: siglip, same_report: negative}\n").size(),
      1u);
}

}  // namespace
}  // namespace pillar
