#include "train/run/event_file.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "train/tensorboard.h"

#include <cmath>
#include <limits>

namespace pillar {
namespace {

using test::TempDir;
using test::tensorboard_points;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Crc32c, HasThePublishedValues) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
}

TEST(EventFile, TensorBoardReadsIt) {
  TempDir dir;
  const std::string long_tag(300, 'n');
  const double inf = std::numeric_limits<double>::infinity();
  write_file_atomic(dir / "events.out.tfevents.1.x.1",
                    version_record(1) + scalars_record(2, 0, {{"train/loss", 0.5}, {"a tag", -1}}) +
                        scalars_record(3, 5'000'000'000, {{"train/loss", inf}}) +
                        scalars_record(3, 5'000'000'001, {}) +
                        scalars_record(4, 5'000'000'002, {{long_tag, std::nan("")}, {"train/loss", 1e-8}}));
  EXPECT_THAT(tensorboard_points(dir.path()),
              ElementsAre("a tag 0 -1.0", fmt::format("{} 5000000002 nan", long_tag), "train/loss 0 0.5",
                          "train/loss 5000000000 inf", "train/loss 5000000002 9.99999993922529e-09"));
}

TEST(EventFile, AStartDropsWhatEarlierFilesHoldFromThereOn) {
  TempDir dir;
  std::string first = version_record(1);
  for (int step = 0; step < 5; ++step) first += scalars_record(1, step, {{"loss", 10 + step}});
  write_file_atomic(dir / "events.out.tfevents.1.x.1", first.substr(0, first.size() - 3));  // killed
  write_file_atomic(dir / "events.out.tfevents.2.x.1",
                    version_record(2) + session_start_record(2, 2) + scalars_record(2, 2, {{"loss", 20}}));
  EXPECT_THAT(tensorboard_points(dir.path()), ElementsAre("loss 0 10.0", "loss 1 11.0", "loss 2 20.0"));
}

// The comparison can fail: a wrong byte is noticed.
TEST(EventFile, TensorBoardChecksIt) {
  TempDir dir;
  std::string file = version_record(1) + scalars_record(1, 1, {{"loss", 1}});
  file[file.size() - 6] ^= 1;
  write_file_atomic(dir / "events.out.tfevents.1.x.1", file);
  EXPECT_THAT(tensorboard_points(dir.path()), IsEmpty());
}

TEST(NextEventFile, SortsAfterAllThatAreThere) {
  TempDir dir;
  const std::string host_and_pid = next_event_file(dir.path(), 7).filename().string().substr(30);
  EXPECT_EQ(next_event_file(dir.path(), 1'700'000'000).filename(),
            "events.out.tfevents.1700000000" + host_and_pid);
  for (const char* name : {"events.out.tfevents.1800000000.other.1", "events.out.tfevents.x", "notes",
                           "events.out.tfevents.99999999999999999999999.y", "events.out.tfevents."})
    write_file_atomic(dir / name, std::string_view());
  EXPECT_EQ(next_event_file(dir.path(), 1'700'000'000).filename(),
            "events.out.tfevents.1800000001" + host_and_pid);
  EXPECT_PILLAR_ERROR(next_event_file(dir / "none", 1), ErrorCategory::io, HasSubstr("none"));
}

}  // namespace
}  // namespace pillar
