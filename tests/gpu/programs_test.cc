// Programs with --device cuda, on a GPU that is computed by the CPU (device/gpu_on_cpu/machine.h): what they
// send to it and take from it is right, and each waits for what it uses. How fast it is, only a GPU tells.
#include "pillar/core/file.h"

#include "support/pretrain_cohort.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <signal.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::PretrainCohort;
using test::ProgramResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Environment = std::map<std::string, std::string>;

// What the machine says of a run that ended by itself.
struct Counts {
  std::int64_t operators = 0, waits = 0, put_off = 0;
};

class OnAGpu : public ::testing::Test {
 protected:
  ProgramResult run(std::vector<std::string> command, Environment machine = {}) const {
    return start(std::move(command), std::move(machine))->wait();
  }
  std::unique_ptr<test::RunningProgram> start(std::vector<std::string> command,
                                              Environment machine = {}) const {
    if (command[0].find('/') == std::string::npos)
      command[0] = (fs::path(PILLAR_PROGRAMS) / command[0]).string();
    command.insert(command.begin(), {"/usr/bin/env", "-u", "CUDA_VISIBLE_DEVICES"});
    machine.insert({{"LD_LIBRARY_PATH", PILLAR_GPU_ON_CPU},
                    {"FAKE_CUDA_DEVICES", "9.0 GPU on a CPU"},
                    {"FAKE_CUDA_REPORT", report().string()},
                    {"OMP_NUM_THREADS", "1"}});
    return std::make_unique<test::RunningProgram>(command, machine);
  }
  ProgramResult pretrain(const std::vector<std::string>& more, const Environment& machine = {}) const {
    std::vector<std::string> command = cohort.command(more);
    *std::find(command.begin(), command.end(), "cpu") = "cuda:0";
    return run(command, machine);
  }
  fs::path report() const { return cohort / "gpu.txt"; }
  Counts counts() const {
    Counts all;
    std::istringstream text(read_text_file(report()));
    std::string word;
    text >> word >> all.operators >> word >> all.waits >> word >> all.put_off;
    EXPECT_TRUE(text) << "no counts";
    return all;
  }
  // Of the steps of training.
  std::vector<double> losses() const {
    std::vector<double> all;
    std::istringstream lines(read_text_file(cohort.output() / "metrics.jsonl"));
    for (std::string line; std::getline(lines, line);)
      all.push_back(nlohmann::json::parse(line)["loss"].get<double>());
    return all;
  }
  fs::path model() const {
    const fs::path made = cohort / "model";
    const ProgramResult init = test::run_program(
        {"pillar-train", "init", "--arch", (cohort / "arch.json").string(), "--out", made.string()});
    EXPECT_EQ(init.exit_code, 0) << init.err;
    return made;
  }
  std::vector<std::string> embed(const std::string& split, const std::string& device,
                                 std::vector<std::string> more = {},
                                 const std::string& format = "csv") const {
    std::vector<std::string> command = {"pillar-eval", "embed", "--split", split, "--device", device};
    const std::vector<std::pair<std::string, fs::path>> others = {{"--model", cohort / "model"},
                                                                  {"--manifest", cohort / "samples.csv"},
                                                                  {"--out", cohort / "cache"},
                                                                  {"--format", format}};
    for (const auto& [flag, value] : others) command.insert(command.end(), {flag, value.string()});
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  std::map<std::string, Bytes> files_of(const std::string& split) const {
    std::map<std::string, Bytes> files;
    for (const auto& file : fs::directory_iterator(cohort / "cache/embeddings" / split))
      files.emplace(file.path().filename().string(), read_file(file.path()));
    return files;
  }

  PretrainCohort cohort;
};

std::vector<double> numbers_of(const fs::path& csv) {
  std::vector<double> numbers;
  std::istringstream lines(read_text_file(csv));
  std::string line, field;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::getline(fields, field, ',');
    while (std::getline(fields, field, ',')) numbers.push_back(std::stod(field));
  }
  return numbers;
}

// The norm of the difference over that of what is expected.
double error_of(const std::vector<double>& found, const std::vector<double>& expected) {
  EXPECT_EQ(found.size(), expected.size());
  EXPECT_FALSE(expected.empty());
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}

TEST_F(OnAGpu, EmbeddingGivesWhatACpuGives) {
  model();
  const auto embedded = [&](const std::string& split) {
    return numbers_of(cohort / ("cache/embeddings/" + split + ".csv"));
  };
  ASSERT_EQ(test::run_program(embed("cpu", "cpu", {"--dtype", "fp32"})).exit_code, 0);
  const auto expect = [&](const std::string& dtype, const std::string& batch, double error) {
    const ProgramResult done = run(embed(dtype, "cuda:0", {"--dtype", dtype, "--batch-size", batch}));
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("12 embedded"));
    EXPECT_LT(error_of(embedded(dtype), embedded("cpu")), error) << dtype;
  };
  expect("fp32", "5", 1e-6);
  EXPECT_GE(counts().put_off, 3) << "the CPU waited for voxels to cross";
  expect("tf32", "5", 1e-2);
  expect("bf16", "1", 3e-2);
}

// Recorded once for each number of volumes: five, and the two that are left.
TEST_F(OnAGpu, GraphsGiveWhatThePassGives) {
  model();
  for (const std::string split : {"plain", "graphs"}) {
    std::vector<std::string> more = {"--dtype", "bf16", "--batch-size", "5"};
    if (split == "graphs") more.push_back("--cuda-graphs");
    const ProgramResult done = run(embed(split, "cuda", more, "npz"));
    ASSERT_EQ(done.exit_code, 0) << done.err;
  }
  EXPECT_TRUE(files_of("graphs") == files_of("plain"));
  // Killed between two replays, or in one, and started again.
  const auto command =
      embed("killed", "cuda", {"--dtype", "bf16", "--batch-size", "1", "--cuda-graphs"}, "npz");
  const auto victim = start(command);
  const auto some = [&] {
    return fs::exists(cohort / "cache/embeddings/killed") && files_of("killed").size() >= 3;
  };
  for (int i = 0; i < 6000 && !some(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  victim->signal(SIGKILL);
  victim->wait();
  EXPECT_LT(files_of("killed").size(), 12u);
  ASSERT_EQ(run(command).exit_code, 0);
  EXPECT_EQ(files_of("killed").size(), 12u);
  ASSERT_EQ(run(embed("single", "cuda", {"--dtype", "bf16"}, "npz")).exit_code, 0);
  EXPECT_TRUE(files_of("killed") == files_of("single"));
  const ProgramResult refused = test::run_program(embed("cpu", "cpu", {"--cuda-graphs"}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("CUDA graphs are for GPUs"));
}

// All but the weights, which are sent one by one when the model is opened, waits once a batch: for its
// result.
TEST_F(OnAGpu, EmbeddingWaitsOnceABatch) {
  model();
  const auto waits = [&](const std::string& batch) {
    EXPECT_EQ(run(embed("split" + batch, "cuda", {"--dtype", "bf16", "--batch-size", batch})).exit_code, 0);
    return counts().waits;
  };
  EXPECT_EQ(waits("2") - waits("4"), 3);
}

TEST_F(OnAGpu, PretrainingGivesWhatACpuGives) {
  ASSERT_EQ(cohort.run({"train.precision=fp32", "augment.rotation.probability=0.5"}).exit_code, 0);
  const std::vector<double> expected = losses();
  fs::rename(cohort.output(), cohort / "cpu");
  const auto expect = [&](const std::vector<std::string>& more, double error) {
    std::vector<std::string> words = {"augment.rotation.probability=0.5"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult done = pretrain(words);
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_LT(error_of(losses(), expected), error) << more.front();
    fs::remove_all(cohort.output());
  };
  expect({"train.precision=fp32", "train.checkpoint_stem=false"}, 1e-4);
  expect({"train.precision=fp32", "train.checkpoint_stem=true", "train.checkpoint_blocks=true"}, 1e-4);
  expect({"train.precision=bf16"}, 0.2);
}

// For its loss. Studies that are turned, and their reports, ask for no other.
TEST_F(OnAGpu, AStepOfPretrainingWaitsOnce) {
  const auto waits = [&](int studies) {
    std::vector<int> all(static_cast<std::size_t>(studies));
    std::iota(all.begin(), all.end(), 0);
    cohort.write_manifest(all);
    const ProgramResult done = pretrain({"augment.rotation.probability=1", "checkpoint.every_steps=100",
                                         "train.epochs=1", "log.every_steps=100"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    fs::remove_all(cohort.output());
    return counts().waits;
  };
  EXPECT_EQ(waits(12) - waits(8), 1);
}

TEST_F(OnAGpu, NaNAmongVoxelsIsNamed) {
  model();
  cohort.put_nan(3);
  const ProgramResult embedded = run(embed("test", "cuda", {"--batch-size", "4"}));
  EXPECT_EQ(embedded.exit_code, 3) << embedded.err;
  EXPECT_THAT(read_text_file(cohort / "cache/failures.csv"), AllOf(HasSubstr("S03"), HasSubstr("NaN")));
  const ProgramResult trained = pretrain({"data.max_bad_fraction=0.5", "train.epochs=1"});
  EXPECT_EQ(trained.exit_code, 3) << trained.err;
  EXPECT_THAT(read_text_file(cohort.output() / "failures.csv"), AllOf(HasSubstr("S03"), HasSubstr("NaN")));
}

TEST_F(OnAGpu, MemoryThatRunsOutIsToldWithWhatToLower) {
  const Environment small = {{"FAKE_CUDA_MEMORY", "1500000"}};
  const ProgramResult trained = pretrain({}, small);
  EXPECT_EQ(trained.exit_code, 1);
  EXPECT_THAT(
      trained.err,
      AllOf(HasSubstr("out of memory while training on 2 studies at a time, which needs about 0.1 GB: "),
            HasSubstr("train.micro_batch"), HasSubstr("CUDA out of memory"),
            Not(HasSubstr("allocated by PyTorch"))));
  model();
  const ProgramResult embedded = run(embed("test", "cuda", {"--batch-size", "8"}), small);
  EXPECT_EQ(embedded.exit_code, 1);
  EXPECT_THAT(embedded.err, AllOf(HasSubstr("out of memory while"), HasSubstr("--batch-size")));
}

TEST_F(OnAGpu, AGpuThatFailsEndsTheJob) {
  model();
  const ProgramResult embedded = run(embed("test", "cuda"), {{"FAKE_CUDA_FAULT", "1000"}});
  EXPECT_EQ(embedded.exit_code, 1);
  EXPECT_THAT(embedded.err, AllOf(HasSubstr("the GPU failed while embedding"),
                                  HasSubstr("an illegal memory access was encountered")));
  const ProgramResult trained = pretrain({}, {{"FAKE_CUDA_FAULT", "5000"}});
  EXPECT_EQ(trained.exit_code, 1);
  EXPECT_THAT(trained.err, HasSubstr("an illegal memory access was encountered"));
  // What was done is there, and goes on.
  const ProgramResult again = pretrain({});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("resumed from"));
  EXPECT_EQ(losses().size(), 9u);
}

TEST_F(OnAGpu, TwoGpusEmbedWhatOneDoes) {
  model();
  const Environment two = {{"FAKE_CUDA_DEVICES", "9.0 one;9.0 another"}};
  const auto embedded = [&](const std::string& split, const std::string& devices) {
    const ProgramResult done = run(embed(split, devices, {"--dtype", "fp32"}, "npz"), two);
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return files_of(split);
  };
  const auto by_two = embedded("two", "cuda:0,cuda:1");
  EXPECT_EQ(by_two.size(), 12u);
  EXPECT_TRUE(by_two == embedded("one", "cuda:1"));
}

}  // namespace
}  // namespace pillar
