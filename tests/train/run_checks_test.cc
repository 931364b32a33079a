#include "train/run/run_checks.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(RunChecks, AWarmUpThatNeverEndsIsSaid) {
  Notes notes;
  note_warmup("optimizer.warmup_steps", 39, 40, notes);
  EXPECT_TRUE(notes.empty());
  note_warmup("optimizer.warmup_steps", 300, 40, notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0], AllOf(HasSubstr("optimizer.warmup_steps"), HasSubstr("300"), HasSubstr("run of 40")));
}

TEST(RunChecks, ALastBatchOfOneIsSaid) {
  TrainerConfig config;
  config.batch_size = 8;
  Notes notes;
  note_single_study("ct", 16, config, notes);
  note_single_study("ct", 1, config, notes);
  EXPECT_TRUE(notes.empty());
  note_single_study("ct", 17, config, notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0], AllOf(HasSubstr("ct: 17 studies"), HasSubstr("which has 9")));
  config.drop_last = true;
  note_single_study("ct", 17, config, notes);
  EXPECT_EQ(notes.size(), 1u);
}

TEST(RunChecks, DiskIsCheckpointsExportAndLogs) {
  TrainerConfig config;
  config.checkpoints_kept = 2;
  config.epochs = 3;
  const DiskNeed plain = disk_need(config, 1000, 900, 100);
  EXPECT_EQ(plain.checkpoint, 4u * (1000 + 2 * 900));
  EXPECT_EQ(plain.checkpoints, 4) << "two kept, the best, and one being written";
  EXPECT_EQ(plain.total(), 4 * plain.checkpoint + 2 * 4000 + plain.logs);
  config.ema_decay = 0.9;
  EXPECT_EQ(disk_need(config, 1000, 900, 100).checkpoint, 4u * (1000 + 3 * 900));
}

TEST(RunChecks, ADiskThatIsTooSmallIsSaidOrRefused) {
  const DiskNeed need{100 << 20, 4, 40 << 20, 1 << 20};
  Notes notes;
  check_disk(need, {481u << 20, 0}, "run", notes);
  check_disk(need, {81u << 20, 400u << 20}, "run", notes);
  EXPECT_TRUE(notes.empty()) << "what a run has written already is no news";
  check_disk(need, {480u << 20, 0}, "run", notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0], AllOf(HasSubstr("480.0 MB free"), HasSubstr("481.0 MB: 4 checkpoints of 100.0 MB"),
                              HasSubstr("checkpoint.keep")));
  EXPECT_PILLAR_ERROR(check_disk(need, {139u << 20, 0}, "run", notes), ErrorCategory::io,
                      AllOf(HasSubstr("139.0 MB free"), HasSubstr("140.0 MB")));
}

TEST(RunChecks, RoomIsThatOfTheNearestFolder) {
  const test::TempDir dir;
  write_file_atomic(dir / "file", std::string_view("12345"));
  const DiskRoom there = disk_room(dir.path()), later = disk_room(dir / "not/yet/there");
  EXPECT_EQ(there.used_already, 5u);
  EXPECT_EQ(later.used_already, 0u);
  EXPECT_GT(later.free, 0u);
}

}  // namespace
}  // namespace pillar
