#include "train/run/memory_plan.h"

#include "support/atlas_configs.h"

#include <gmock/gmock.h>

namespace pillar {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr double kMegabyte = 1 << 20;

TrainerConfig planned_config() {
  TrainerConfig config;
  config.batch_size = 24;
  config.micro_batch = 8;
  config.loader_memory_gb = 1;
  return config;
}

// On a GPU of 1,100 MB, 100 of which are weights; a study takes 99.
MemoryPlan planned() {
  MemoryPlan plan;
  plan.on_gpu = true;
  plan.present = 100 * kMegabyte;
  plan.gradients = 100 * kMegabyte;
  plan.optimiser = 200 * kMegabyte;
  plan.windows = 20 * kMegabyte;
  plan.activations = 70 * kMegabyte;
  plan.free = 1000 * kMegabyte;
  return plan;
}

TEST(MemoryPlan, TheLargestMicroBatchDividesTheBatch) {
  MemoryPlan plan = planned();
  EXPECT_NEAR(plan.needed(6), 1058 * kMegabyte, kMegabyte);  // 100 + 100 + 200 + 64 + 6 x 99
  EXPECT_EQ(largest_micro_batch(plan, 24), 6);
  EXPECT_EQ(largest_micro_batch(plan, 5), 5);
  EXPECT_EQ(largest_micro_batch(plan, 7), 1);
  plan.free = 0;
  EXPECT_EQ(largest_micro_batch(plan, 24), 0);
}

TEST(MemoryPlan, SaysWhatMakesAStepSmallerWhereItDoesNotFit) {
  const at::Device gpu(at::kCUDA, 0);
  TrainerConfig config = planned_config();
  EXPECT_THAT(memory_text(planned(), config, gpu),
              AllOf(HasSubstr("about 1256 MB of 1100 on the device at train.micro_batch=8"),
                    HasSubstr("the largest that fits is 6"), HasSubstr("a train.micro_batch below 8"),
                    HasSubstr("train.checkpoint_blocks=true"), HasSubstr("train.precision=bf16"),
                    Not(HasSubstr("checkpoint_stem"))));
  config.checkpoint_stem = false;
  EXPECT_THAT(memory_text(planned(), config, gpu), HasSubstr("train.checkpoint_stem=true"));
  config.micro_batch = 6;
  EXPECT_THAT(memory_text(planned(), config, gpu), Not(HasSubstr("out of memory")));
  MemoryPlan full = planned();
  full.free = 0;
  EXPECT_THAT(memory_text(full, config, gpu), HasSubstr("not even 1 fits"));
}

TEST(MemoryPlan, CountsWhatTheConfigurationTurnsOn) {
  TrainerConfig config = planned_config();
  const MemoryPlan plain = memory_plan(config, at::kCPU, 3000, 1000);
  EXPECT_EQ(plain.gradients, 4000);
  EXPECT_EQ(plain.optimiser, 8000);
  EXPECT_EQ(plain.average, 0);
  EXPECT_EQ(plain.loaded, 0);
  EXPECT_GT(plain.present, kMegabyte);  // this process
  EXPECT_GT(plain.free, kMegabyte);
  config.ema_decay = 0.9;
  config.loader_cache_gb = 2;
  const MemoryPlan more = memory_plan(config, at::kCPU, 3000, 1000);
  EXPECT_EQ(more.average, 4000);
  EXPECT_EQ(more.loaded, 2048 * kMegabyte);
}

TEST(MemoryPlan, TowersKeepTheirWindowsAndTheLargestItsMaps) {
  const TrainerConfig config = planned_config();
  AtlasConfig atlas = test::small_config();
  TowerConfig wide = atlas.towers[0];
  wide.num_features = 64;
  AtlasPass pass;
  pass.train = pass.execution.gradients = true;
  const auto add = [&](MemoryPlan& plan, const TowerConfig& tower) {
    add_modality(plan, config, 48 * 48 * 48, atlas, tower, PatchEmbedKind::volume_666, pass);
  };
  MemoryPlan narrow = memory_plan(config, at::kCPU, 0, 0), both = narrow, alone = narrow;
  add(narrow, atlas.towers[0]);
  add(alone, wide);
  add(both, atlas.towers[0]);
  add(both, wide);
  EXPECT_EQ(narrow.windows, 2 * 48 * 48 * 48 * 4);
  EXPECT_EQ(narrow.loaded, 2 * 24 * 48 * 48 * 48 * 2);  // a step's studies, and the next one's
  EXPECT_EQ(both.windows, 2 * narrow.windows);
  EXPECT_EQ(both.activations, alone.activations);
  EXPECT_GT(both.activations, narrow.activations);
}

}  // namespace
}  // namespace pillar
