#include "pillar/train/metrics_log.h"

#include "pillar/core/file.h"

#include "core/shared/json_lines.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/tiny_disk.h"
#include "train/tensorboard.h"

#include <cmath>
#include <csignal>
#include <limits>

#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using test::tensorboard_points;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

MetricsRow train_row(std::int64_t step, double loss) {
  return {"train", step, static_cast<double>(step) / 4, {{"loss", loss}}};
}

std::vector<std::string> rows_of(const fs::path& folder) {
  std::vector<std::string> rows;
  const bool cut = visit_json_lines(folder / "metrics.jsonl", [&](const JsonLine& line) {
    nlohmann::json object = line.object;
    object.erase("wall_time");
    rows.push_back(object.dump());
  });
  EXPECT_FALSE(cut);
  return rows;
}

TEST(MetricsLog, ARowIsALineAndPoints) {
  TempDir dir;
  const fs::path run = dir / "a run";
  MetricsLog log(run, 0);
  const double nan = std::nan(""), infinite = std::numeric_limits<double>::infinity();
  log.write({"train", 1, 0.25, {{"loss", 0.1}, {"step", 7}, {"lr", nan}, {"grad_norm", -infinite}}});
  log.write({"validation", 1, 1, {{"t2i_recall_at_5.chest_ct", 0.5}}});
  log.flush();
  const std::string text = read_text_file(run / "metrics.jsonl");
  EXPECT_THAT(text, HasSubstr("{\"phase\":\"train\",\"step\":1,\"epoch\":0.25,\"wall_time\":1"));
  EXPECT_THAT(text, HasSubstr(",\"loss\":0.1,\"lr\":null,\"grad_norm\":null}\n"));
  EXPECT_EQ(rows_of(run).size(), 2u);
  EXPECT_THAT(tensorboard_points(run / "tensorboard"),
              ElementsAre("train/grad_norm 1 -inf", "train/loss 1 0.10000000149011612", "train/lr 1 nan",
                          "train/step 1 7.0", "validation/t2i_recall_at_5.chest_ct 1 0.5"));
}

TEST(MetricsLog, ResumingDropsWhatWillBeWrittenAgain) {
  TempDir dir;
  {
    MetricsLog log(dir.path(), 0);
    for (std::int64_t step = 0; step < 6; ++step) log.write(train_row(step, 10));
    log.write({"validation", 3, 1, {{"loss", 9}}});
  }
  const std::string before = read_text_file(dir / "metrics.jsonl");
  write_file_atomic(dir / "metrics.jsonl", before + "{\"phase\":\"tra");
  {
    MetricsLog log(dir.path(), 3);
    log.write(train_row(3, 20));
  }
  EXPECT_THAT(rows_of(dir.path()), ElementsAre(HasSubstr("\"step\":0"), HasSubstr("\"step\":1"),
                                               HasSubstr("\"step\":2"), HasSubstr("20.0")));
  EXPECT_THAT(tensorboard_points(dir / "tensorboard"), ElementsAre("train/loss 0 10.0", "train/loss 1 10.0",
                                                                   "train/loss 2 10.0", "train/loss 3 20.0"));
  // Where all is as it should be, the file is not written anew: those who follow it stay with it.
  const fs::path same = dir / "the same file";
  fs::create_hard_link(dir / "metrics.jsonl", same);
  MetricsLog(dir.path(), 4).write(train_row(4, 20));
  EXPECT_TRUE(fs::equivalent(same, dir / "metrics.jsonl"));
  EXPECT_EQ(rows_of(dir.path()).size(), 5u);
}

TEST(MetricsLog, AForeignFileIsNotTouched) {
  for (const char* bad : {"step,loss\n1,2\n", "{\"loss\":1}\n", "{\"step\":-3}\n", "[]\n"}) {
    TempDir dir;
    write_file_atomic(dir / "metrics.jsonl", bad);
    EXPECT_PILLAR_ERROR(MetricsLog(dir.path(), 0), ErrorCategory::input,
                        AllOf(HasSubstr("metrics.jsonl"), HasSubstr("line 1")));
    EXPECT_EQ(read_text_file(dir / "metrics.jsonl"), bad);
  }
  TempDir dir;
  fs::create_directories(dir / "metrics.jsonl");
  EXPECT_PILLAR_ERROR(MetricsLog(dir.path(), 0), ErrorCategory::io, HasSubstr("metrics.jsonl"));
  write_file_atomic(dir / "file", "x");
  EXPECT_PILLAR_ERROR(MetricsLog(dir / "file/run", 0), ErrorCategory::io, HasSubstr("file/run"));
}

TEST(MetricsLog, KilledAtAnyTimeItGoesOn) {
  TempDir dir;
  for (int round = 0; round < 5; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      MetricsLog log(dir.path(), 1'000'000);
      for (std::int64_t step = 0;; ++step) log.write(train_row(step, 1));
    }
    ::usleep(20'000 + 7'000 * static_cast<unsigned>(round));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  MetricsLog log(dir.path(), 5);
  EXPECT_GT(rows_of(dir.path()).size(), 0u);
  log.write(train_row(5, 2));
  EXPECT_THAT(rows_of(dir.path()).back(), HasSubstr("\"step\":5"));
  const std::vector<std::string> points = tensorboard_points(dir / "tensorboard");
  EXPECT_EQ(points.back(), "train/loss 5 2.0");
}

TEST(MetricsLog, AFullDiskCostsRowsNotTheRun) {
  TempDir dir;
  fs::create_directories(dir / "run");
  const int answer = test::on_tiny_disk(dir / "run", 64, [&] {
    write_file_atomic(dir / "run/filler", std::string(20'000, 'x'));
    MetricsLog log(dir / "run", 0);
    for (std::int64_t step = 0; step < 2000; ++step) log.write(train_row(step, 1));
    log.flush();
    const std::size_t before = rows_of(dir / "run").size();
    if (before < 10 || before >= 2000) return 1;
    // Space again. What was lost stays lost; both files go on as if nothing had been.
    fs::remove(dir / "run/filler");
    log.write(train_row(5000, 2));
    fs::copy(dir / "run", dir / "copy", fs::copy_options::recursive);  // this disk goes with the process
    return rows_of(dir / "run").size() == before + 1 ? 0 : 2;
  });
  if (answer == -1) GTEST_SKIP() << "no mount namespaces here";
  ASSERT_EQ(answer, 0);
  EXPECT_THAT(rows_of(dir / "copy").back(), HasSubstr("5000"));
  const std::vector<std::string> points = tensorboard_points(dir / "copy/tensorboard");
  EXPECT_GT(points.size(), 10u);
  EXPECT_EQ(points.back(), "train/loss 5000 2.0");
}

}  // namespace
}  // namespace pillar
