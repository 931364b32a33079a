#include "pillar/core/error.h"
#include "pillar/core/file.h"
#include "pillar/train/pretrain_config.h"

#include "support/pretrain_cohort.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <signal.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::PretrainCohort;
using test::ProgramResult;
using test::run_program;
using test::RunningProgram;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void expect_run_failed(const ProgramResult& result, int exit_code,
                       const ::testing::Matcher<std::string>& words) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_THAT(result.err, words);
}

std::vector<nlohmann::json> rows_of(const fs::path& run) {
  std::vector<nlohmann::json> rows;
  const std::string text = read_text_file(run / "metrics.jsonl");
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    rows.push_back(nlohmann::json::parse(text.substr(begin, end - begin)));
  return rows;
}

bool wait_until(const std::function<bool()>& holds) {
  for (int i = 0; i < 3000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return holds();
}

TEST(Pretrain, LeavesARunThatIsDone) {
  const PretrainCohort cohort;
  const ProgramResult done = cohort.run();
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("9 steps done"));
  EXPECT_THAT(read_text_file(cohort.output() / "log.txt"), HasSubstr("peak memory: "));
  for (const char* name : {"config.yaml", "log.txt", "failures.csv", "report.html", "export/config.json",
                           "export/model.safetensors", "checkpoints/step-0000000009/state.json"})
    EXPECT_TRUE(fs::exists(cohort.output() / name)) << name;
  const auto rows = rows_of(cohort.output());
  ASSERT_EQ(rows.size(), 9u);
  for (std::size_t step = 0; step < rows.size(); ++step) {
    EXPECT_EQ(rows[step]["step"], step);
    EXPECT_TRUE(rows[step]["loss"].is_number());
  }
  const ProgramResult again = cohort.run();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("9 steps done"));
  EXPECT_EQ(rows_of(cohort.output()).size(), 9u);
}

TEST(Pretrain, ConfigurationErrorsNameTheKey) {
  const PretrainCohort cohort(2);
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {"optimiser.lr=1", "optimiser: unknown key; did you mean 'optimizer'?"},
      {"optimizer.lrr=1", "optimizer.lrr: unknown key; did you mean 'lr'?"},
      {"optimizer.lr=0", "optimizer.lr: must be above 0"},
      {"optimizer.lr=.nan", "optimizer.lr"},
      {"optimizer.lr=[1, 2]", "optimizer.lr"},
      {"optimizer.betas=[0.9]", "optimizer.betas"},
      {"optimizer.betas=[0.9, 1]", "optimizer.betas: must be from 0 to below 1"},
      {"train.batch_size=many", "train.batch_size"},
      {"train.batch_size=4.5", "train.batch_size"},
      {"train.batch_size=0", "train.batch_size: must be from 1"},
      {"train.batch_size=4611686018427387904", "train.batch_size: must be from 1"},
      {"train.micro_batch=3", "train.micro_batch: must be a divisor of train.batch_size (4)"},
      {"train.micro_batch=8", "train.micro_batch: must be from 1 to train.batch_size"},
      {"train.precision=fp8", "train.precision: 'fp8' is no precision"},
      {"train.ema_decay=1", "train.ema_decay: must be"},
      {"train.epochs=4611686018427387904", "train.epochs: must be from 1"},
      {"loader.threads=-1", "loader.threads: must be from 0"},
      {"loader.threads=4294967297", "loader.threads: must be from 0"},
      {"loader.memory_gb=1e300", "loader.memory_gb: must be above 0"},
      {"loader.cache_gb=-1", "loader.cache_gb: must be"},
      {"checkpoint.keep=0", "checkpoint.keep: must be"},
      {"checkpoint.every_minutes=9223372036854775807", "checkpoint.every_minutes: must be"},
      {"seed=-1", "seed: a seed is 0 or more"},
      {"model.text_projection=cubic", "cubic"},
      {"data.train=7", "data.train: expected a list"},
      {"data.pad_value={abdomen: 1}", "data.pad_value.abdomen: unknown key; allowed: abdomen_ct"},
      {"data.pad_value={abdomen_ct: low}", "data.pad_value.abdomen_ct"},
      {"data.max_bad_fraction=2", "data.max_bad_fraction: must be from 0 to 1"},
      {"data.validation=[{modality: chest_ct, manifest: a, text: b}]", "chest_ct has no dataset to train on"},
  };
  for (const auto& [assignment, words] : wrong) {
    try {
      load_pretrain_config(cohort.config(), {assignment});
      ADD_FAILURE() << assignment << " was taken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(words)) << assignment;
    }
  }
}

TEST(Pretrain, ItsOwnWordsAreChecked) {
  const PretrainCohort cohort(2);
  expect_run_failed(
      cohort.run({"train.epoch=3"}), 1,
      AllOf(HasSubstr("error: "), HasSubstr("train.epoch: unknown key; did you mean 'epochs'?")));
  expect_run_failed(cohort.run({"train.epochs"}), 2, HasSubstr("key=value"));
  expect_run_failed(cohort.run({"model.architecture=atlas-tiny-abdomen"}), 2,
                    HasSubstr("did you mean 'atlas-tiny-abdomen-ct'"));
  expect_run_failed(cohort.run({"train.precision=fp16"}), 2, HasSubstr("train.precision fp16"));
  EXPECT_FALSE(fs::exists(cohort.output() / "config.yaml"));
}

TEST(Pretrain, ADryRunWritesNothing) {
  const PretrainCohort cohort;
  std::set<fs::path> before, after;
  for (const auto& entry : fs::recursive_directory_iterator(cohort / "")) before.insert(entry.path());
  const ProgramResult result = cohort.run({"--dry-run"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("12 studies to train on"), HasSubstr("9 (3 an epoch, 3 epochs)"),
                                HasSubstr("first step"), HasSubstr("peak memory"),
                                HasSubstr("at train.micro_batch=2; the largest that fits is 4")));
  for (const auto& entry : fs::recursive_directory_iterator(cohort / "")) after.insert(entry.path());
  EXPECT_EQ(before, after);
}

TEST(Pretrain, SigtermLeavesACheckpointAndTheSameCommandGoesOn) {
  const PretrainCohort cohort;
  RunningProgram run(cohort.command({"train.epochs=100000", "checkpoint.every_steps=1000000"}),
                     {{"OMP_NUM_THREADS", "1"}});
  ASSERT_TRUE(wait_until([&] {
    return fs::exists(cohort.output() / "metrics.jsonl") &&
           fs::file_size(cohort.output() / "metrics.jsonl") > 0;
  }));
  run.signal(SIGTERM);
  const ProgramResult stopped = run.wait();
  ASSERT_EQ(stopped.exit_code, 0) << stopped.err;
  EXPECT_THAT(stopped.out, HasSubstr("stopped as asked; the same command goes on"));
  const auto steps = static_cast<std::int64_t>(rows_of(cohort.output()).size());
  ASSERT_GT(steps, 0);
  EXPECT_TRUE(fs::exists(cohort.checkpoint(static_cast<int>(steps)) / "state.json")) << steps;

  const ProgramResult on = cohort.run(
      {"train.epochs=100000", "checkpoint.every_steps=1000000", "--max-steps", std::to_string(steps + 2)});
  EXPECT_EQ(on.exit_code, 0) << on.err;
  EXPECT_THAT(on.err, HasSubstr(fmt::format("{} of 300000 steps done", steps)));
  const auto rows = rows_of(cohort.output());
  ASSERT_EQ(rows.size(), static_cast<std::size_t>(steps + 2));
  EXPECT_EQ(rows.back()["step"], steps + 1);
}

TEST(Pretrain, AFolderHoldsOneRun) {
  const PretrainCohort cohort;
  RunningProgram first(cohort.command({"train.epochs=100000"}), {{"OMP_NUM_THREADS", "1"}});
  ASSERT_TRUE(wait_until([&] { return fs::exists(cohort.output() / "metrics.jsonl"); }));
  expect_run_failed(
      cohort.run(), 2,
      AllOf(HasSubstr("another run is writing here"), HasSubstr(fmt::format("process {} on", first.pid())),
            HasSubstr(cohort.output().string())));
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait().exit_code, 0);
  expect_run_failed(cohort.run({"--resume", "none"}), 2,
                    AllOf(HasSubstr("holds a run with checkpoints"), HasSubstr("--resume auto")));
  const ProgramResult missing = cohort.run({"--resume", (cohort / "nowhere").string()});
  expect_run_failed(missing, 1, HasSubstr("nowhere"));
}

std::map<std::string, std::string> torchrun(int rank, int size, int port) {
  return {{"RANK", std::to_string(rank)},        {"WORLD_SIZE", std::to_string(size)},
          {"LOCAL_RANK", std::to_string(rank)},  {"MASTER_ADDR", "127.0.0.1"},
          {"MASTER_PORT", std::to_string(port)}, {"OMP_NUM_THREADS", "1"}};
}

TEST(Pretrain, TwoProcessesTrainTogether) {
  const PretrainCohort cohort;
  const ProgramResult result = cohort.run({"--nproc", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("9 steps done"));
  EXPECT_EQ(rows_of(cohort.output()).size(), 9u);
  // More processes than micro-batches: some would have nothing to do.
  expect_run_failed(cohort.run({"--nproc", "3"}), 2, HasSubstr("work for 2 processes, not 3"));
}

// Alone, and where the second time batches are summed over processes again.
TEST(Pretrain, AStemThatIsComputedTwiceTrainsToTheSameBits) {
  for (const std::vector<std::string>& more :
       {std::vector<std::string>(),
        std::vector<std::string>{"--nproc", "2", "train.sync_batchnorm=true", "data.drop_last=true"}}) {
    std::vector<std::string> weights;
    for (const char* twice : {"train.checkpoint_stem=auto", "train.checkpoint_stem=true"}) {
      const PretrainCohort cohort;
      std::vector<std::string> words = more;
      words.emplace_back(twice);
      const ProgramResult done = cohort.run(words);
      ASSERT_EQ(done.exit_code, 0) << done.err;
      weights.push_back(read_text_file(cohort.output() / "export" / "model.safetensors"));
    }
    EXPECT_TRUE(weights[0] == weights[1]) << more.size();
  }
}

TEST(Pretrain, ProcessesWithOtherSettingsRefuseEachOther) {
  const PretrainCohort cohort;
  const int port = 20000 + static_cast<int>(::getpid()) % 12000;
  RunningProgram one(cohort.command(), torchrun(0, 2, port));
  RunningProgram other(cohort.command({"optimizer.lr=5.0e-4"}), torchrun(1, 2, port));
  const ProgramResult a = one.wait(), b = other.wait();
  for (const ProgramResult* result : {&a, &b})
    expect_run_failed(*result, 2, AllOf(HasSubstr("the configuration"), HasSubstr("rank 1")));
  EXPECT_FALSE(fs::exists(cohort.output()));
}

TEST(Pretrain, HalfALauncherIsNamed) {
  const PretrainCohort cohort(2);
  auto environment = torchrun(0, 2, 20000);
  environment["MASTER_ADDR"] = "";
  expect_run_failed(RunningProgram(cohort.command(), environment).wait(), 2,
                    HasSubstr("MASTER_ADDR is not set"));
  environment = torchrun(0, 2, 20000);
  environment["RANK"] = "two";
  expect_run_failed(RunningProgram(cohort.command(), environment).wait(), 2, HasSubstr("RANK is 'two'"));
  expect_run_failed(RunningProgram(cohort.command({"--nproc", "2"}), torchrun(0, 2, 20000)).wait(), 2,
                    HasSubstr("--nproc starts processes itself"));
  EXPECT_FALSE(fs::exists(cohort.output()));
}

}  // namespace
}  // namespace pillar
