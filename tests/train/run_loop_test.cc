#include "train/run/run_loop.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <algorithm>
#include <csignal>
#include <sstream>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Pulls one weight towards the number of the step: nothing of images, texts or labels.
class PullTask : public RunTask {
 public:
  explicit PullTask(const World& world)
      : weight_(at::ones({3}).requires_grad_(true)),
        update_(Parameters{{"weight", weight_}}, {{0.1, 0, 12}, {}, 0, 0.5, false, {}}, world) {}

  NamedTensors model_tensors() const override { return {{"weight", weight_}}; }
  WeightUpdate& update() override { return update_; }
  void start(const RunStart& start) override { first_step = start.first_step; }
  std::vector<EpochStart> pools_at(std::int64_t) const override { return {}; }
  std::vector<LoadedStudies> load(std::int64_t) override { return {{2, bad}}; }
  double waited_seconds() const override { return 0; }
  void train(std::int64_t step) override {
    const at::NoGradGuard no_gradients;
    weight_.mutable_grad() = weight_ - at::full({3}, static_cast<double>(step), at::kFloat);
    report_ = update_.apply(
        step, [] { return "S1"; }, at::ones({}));
    if (step == signal_at) std::raise(SIGUSR1);
  }
  StepLog describe_step() const override { return {{{"lr", report_.lr}}, {{"step_s", 0.5}}, "words", false}; }
  Validation validate(const StopQuestion& should_stop) override {
    if (signal_in_validation != 0) std::raise(std::exchange(signal_in_validation, 0));
    if (should_stop()) return {{}, {}, true};
    ++validations;
    return {{{"score", scores.at(validations - 1)}}, {}};
  }
  void export_to(const fs::path& folder, std::int64_t steps) const override {
    if (steps == unexported_step) fail(ErrorCategory::io, "{}: no space left on device", folder);
    const std::string text = fmt::format("model of {}", steps);
    write_file_atomic(folder, std::string_view(text));
  }

  std::vector<NoteKind> notes() const override { return said; }

  std::vector<NoteKind> said;
  std::int64_t first_step = -1, signal_at = -1, unexported_step = -1;
  int signal_in_validation = 0;
  std::vector<BadStudy> bad;
  std::size_t validations = 0;
  std::vector<double> scores = {1, 3, 2};

 private:
  at::Tensor weight_;
  WeightUpdate update_;
  UpdateReport report_;
};

// Three epochs of four steps, in a folder of its own.
struct RunLoopTest : testing::Test {
  RunLoopTest() {
    plan.identity.total_steps = 12;
    plan.identity.batch_size = 2;
    plan.pools = {{"scans", 8, 4}};
    plan.epochs = 3;
    plan.monitor = {"score", true};
    plan.config_yaml = "a: 1\n";
  }
  RunOutcome run(const std::string& name) {
    PullTask task(alone);
    return run(name, task);
  }
  RunOutcome run(const std::string& name, PullTask& task) {
    RunFolder folder({dir / name, 20, {}}, alone);
    return RunLoop(plan, task, folder, alone).run();
  }
  std::vector<std::string> rows(const std::string& name) const {
    std::vector<std::string> found;
    std::istringstream text(read_text_file(dir / name / "metrics.jsonl"));
    for (std::string line; std::getline(text, line);) {
      const auto row = nlohmann::json::parse(line);
      found.push_back(row["phase"].get<std::string>()[0] + row["step"].dump());
    }
    return found;
  }
  std::vector<std::string> checkpoints(const std::string& name) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(dir / name / "checkpoints")) {
      if (!entry.is_symlink()) found.push_back(entry.path().filename().string().substr(13));
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  Bytes bytes(const std::string& name, const char* file) const {
    return read_file(dir / name / "checkpoints/step-0000000012" / file);
  }

  test::TempDir dir;
  const World alone;
  RunPlan plan;
};

TEST_F(RunLoopTest, LogsValidatesAndKeepsCheckpointsWhenItShould) {
  plan.log_steps = 3;
  plan.checkpoint_steps = 5;
  plan.validation_epochs = 2;
  std::int64_t told = 0;
  plan.after_epoch = [&](const fs::path& folder) { told += folder == dir / "run" ? 1 : 0; };
  const RunOutcome outcome = run("run");
  EXPECT_EQ(outcome.steps, 12);
  EXPECT_FALSE(outcome.stopped);
  EXPECT_EQ(told, 4) << "each epoch and the end";
  EXPECT_THAT(rows("run"), ElementsAre("t0", "t3", "t6", "v7", "t9", "t11", "v11"));
  EXPECT_THAT(checkpoints("run"), ElementsAre("04", "05", "08", "10", "12"));
  EXPECT_EQ(read_text_file(dir / "run/config.yaml"), "a: 1\n");
  EXPECT_EQ(read_text_file(dir / "run/export"), "model of 12");
}

TEST_F(RunLoopTest, ARunThatGoesOnEndsWithTheSameBits) {
  plan.log_steps = 1;
  run("whole");
  plan.max_steps = 6;
  EXPECT_EQ(run("parts").steps, 6);
  plan.max_steps = 0;
  PullTask task(alone);
  EXPECT_EQ(run("parts", task).steps, 12);
  EXPECT_EQ(task.first_step, 6);
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "average.safetensors"})
    EXPECT_EQ(bytes("whole", file), bytes("parts", file)) << file;
}

TEST_F(RunLoopTest, TheMonitorSaysWhichCheckpointIsTheBest) {
  run("highest");
  EXPECT_EQ(fs::read_symlink(dir / "highest/checkpoints/best"), "step-0000000008");
  plan.monitor.higher_is_better = false;
  run("lowest");
  EXPECT_EQ(fs::read_symlink(dir / "lowest/checkpoints/best"), "step-0000000004");
  plan.monitor.name = "auc";
  EXPECT_PILLAR_ERROR(run("other"), ErrorCategory::usage,
                      AllOf(HasSubstr("'auc'"), HasSubstr("measures score")));
}

TEST_F(RunLoopTest, ASignalEndsItAfterTheStepWithACheckpoint) {
  PullTask task(alone);
  task.signal_at = 5;
  const RunOutcome outcome = run("run", task);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_EQ(outcome.steps, 6);
  EXPECT_THAT(checkpoints("run"), ElementsAre("04", "06"));
}

// The checkpoint comes before the validation, which the next start does.
TEST_F(RunLoopTest, ASignalEndsAValidationToo) {
  for (const int number : {SIGTERM, SIGHUP, SIGUSR2}) {
    ::signal(number, SIG_DFL);  // nohup starts tests with SIGHUP ignored
    const std::string name = fmt::format("run {}", number);
    PullTask task(alone), next(alone);
    task.signal_in_validation = number;
    const RunOutcome outcome = run(name, task);
    EXPECT_TRUE(outcome.stopped);
    EXPECT_EQ(outcome.steps, 4);
    EXPECT_EQ(task.validations, 0u);
    EXPECT_THAT(checkpoints(name), ElementsAre("04"));
    EXPECT_EQ(run(name, next).steps, 12);
    EXPECT_EQ(next.validations, 3u);
  }
}

TEST_F(RunLoopTest, UnderNohupAHangUpStopsNothing) {
  PullTask task(alone);
  task.signal_in_validation = SIGHUP;
  ::signal(SIGHUP, SIG_IGN);
  const RunOutcome outcome = run("run", task);
  ::signal(SIGHUP, SIG_DFL);
  EXPECT_FALSE(outcome.stopped);
  EXPECT_EQ(outcome.steps, 12);
}

// What is on disk must not be taken for what the run has come to.
TEST_F(RunLoopTest, AnExportThatFailsIsTakenAwayAndEndsTheRunWithAnError) {
  PullTask task(alone), lucky(alone);
  task.unexported_step = 12;
  EXPECT_PILLAR_ERROR(run("run", task), ErrorCategory::io,
                      AllOf(HasSubstr("12 steps are done, but the model of step 12 was not exported"),
                            HasSubstr("no space left")));
  EXPECT_FALSE(fs::exists(dir / "run/export"));
  EXPECT_THAT(checkpoints("run"), ElementsAre("04", "08", "12"));
  lucky.unexported_step = 4;
  EXPECT_EQ(run("lucky", lucky).steps, 12);
  EXPECT_EQ(read_text_file(dir / "lucky/export"), "model of 12");
}

TEST_F(RunLoopTest, ARunOfSomethingElseIsNotGoneOnWith) {
  plan.config_yaml = "optimizer: {lr: 0.1, eps: 1}\nlog: {every_steps: 1}\n";
  plan.data_digest = "A";
  plan.architecture_digest = "B";
  plan.max_steps = 6;
  run("run");
  plan.max_steps = 0;
  plan.config_yaml = "optimizer: {lr: 0.2, eps: 1}\nlog: {every_steps: 5}\n";
  plan.data_digest = "other";
  EXPECT_PILLAR_ERROR(run("run"), ErrorCategory::usage,
                      AllOf(HasSubstr("step-0000000006"), HasSubstr("  optimizer.lr: 0.1 -> 0.2\n  data: "),
                            HasSubstr("--allow-changes"), ::testing::Not(HasSubstr("architecture: ")),
                            ::testing::Not(HasSubstr("log"))));
  plan.allow_changes = true;
  EXPECT_EQ(run("run").steps, 12);
  EXPECT_EQ(read_text_file(dir / "run/config.before-step-6.yaml"),
            "optimizer: {lr: 0.1, eps: 1}\nlog: {every_steps: 1}\n");
  EXPECT_EQ(read_text_file(dir / "run/config.yaml"), plan.config_yaml);
  plan.allow_changes = false;
  EXPECT_EQ(run("run").steps, 12) << "now it is the run's own";
}

TEST_F(RunLoopTest, WhatIsOddAboutStudiesIsLoggedOnce) {
  PullTask task(alone);
  plan.study_notes = {{"#: voxels", "S1: voxels of 1 mm", 3}};
  plan.notes.add("a warm-up that never ends");
  task.said = {{"#: voxels", "S2: voxels of 1 mm", 9}, {"#: scaled", "S2: MR signal scaled", 4}};
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  run("run", task);
  spdlog::set_default_logger(before);
  const std::string text = log.str();
  const auto times = [&](const char* words) {
    std::int64_t found = 0;
    for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(times("a warm-up that never ends"), 1);
  EXPECT_EQ(times("S1: voxels of 1 mm (and 2 more studies)"), 1);
  EXPECT_EQ(times("S2: voxels"), 0) << "the headers have said so";
  EXPECT_EQ(times("S2: MR signal scaled (and 3 more studies)"), 1);
}

TEST_F(RunLoopTest, StudiesThatFailAreListedAndTooManyEndTheRun) {
  PullTask task(alone), strict(alone);
  task.bad = strict.bad = {{"S1", "/data/S1", "torn"}};
  plan.max_bad_fraction = 0.5;
  EXPECT_EQ(run("run", task).failed_studies, 1) << "the same study each time";
  EXPECT_THAT(read_text_file(dir / "run/failures.csv"), HasSubstr("train,S1,/data/S1,torn"));
  plan.max_bad_fraction = 0.3;
  EXPECT_PILLAR_ERROR(run("strict", strict), ErrorCategory::input,
                      AllOf(HasSubstr("3 of 8 studies of scans failed"), HasSubstr("torn")));
}

}  // namespace
}  // namespace pillar
