// pillar-eval embed as several processes.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/embed/embedding_cache.h"
#include "pillar/rave/sample.h"

#include "support/program.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <chrono>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::ProgramResult;
using test::RunningProgram;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Environment = std::map<std::string, std::string>;

// Another number of threads may round otherwise.
const Environment kOneThread = {{"OMP_NUM_THREADS", "1"}};

Environment torchrun_process(int rank, int port) {
  return {{"RANK", std::to_string(rank)},        {"WORLD_SIZE", "2"},
          {"LOCAL_RANK", std::to_string(rank)},  {"MASTER_ADDR", "127.0.0.1"},
          {"MASTER_PORT", std::to_string(port)}, {"OMP_NUM_THREADS", "1"}};
}

int free_port() {
  return 20000 + static_cast<int>(::getpid()) % 12000;
}

// A tower of 48 x 48 x 48 voxels, and a manifest of samples S0, S1 and so on.
class PillarEvalProcesses : public ::testing::Test {
 protected:
  PillarEvalProcesses() {
    const auto made = test::run_program({"pillar-train", "init", "--arch", "atlas-tiny-abdomen-ct", "--out",
                                         (dir_ / "tiny").string(), "--seed", "1", "--quiet"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }

  fs::path sample(int number) const { return dir_ / "samples" / fmt::format("S{}.1.0", number); }
  fs::path cache(const std::string& name) const { return dir_ / name; }

  void make_samples(int count, const std::string& more_rows = "") {
    std::string manifest = "sample_name,image_cache_path\n" + more_rows;
    fs::create_directories(dir_ / "samples");
    for (int i = 0; i < count; ++i) {
      SampleMetadata metadata;
      metadata.accession = fmt::format("S{}", i);
      Volume volume = test::smooth_volume(40, 44, 52, static_cast<std::uint32_t>(i));
      volume.geometry.spacing_xyz_mm = {7.5, 7.5, 7.5};
      write_sample(sample(i), volume, metadata, {});
      manifest += fmt::format("S{},{}\n", i, sample(i).string());
    }
    write_file_atomic(dir_ / "m.csv", std::string_view(manifest));
  }

  std::vector<std::string> command(const std::string& cache_name, std::vector<std::string> words = {}) const {
    words.insert(words.begin(), {"pillar-eval", "embed", "--model", (dir_ / "tiny").string(), "--manifest",
                                 (dir_ / "m.csv").string(), "--dtype", "fp32", "--split", "test", "--out",
                                 cache(cache_name).string()});
    return words;
  }

  ProgramResult embed(const std::string& cache_name, std::vector<std::string> words = {}) const {
    return RunningProgram(command(cache_name, std::move(words)), kOneThread).wait();
  }

  // Every file and its content, but for processed.csv, which has times.
  std::map<std::string, std::string> files(const std::string& cache_name) const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(cache(cache_name))) {
      const std::string name = entry.path().lexically_relative(cache(cache_name)).string();
      found[name] = entry.is_directory() || name == "processed.csv" ? "" : read_text_file(entry.path());
    }
    return found;
  }

  TempDir dir_;
};

TEST_F(PillarEvalProcesses, TwoMakeWhatOneMakes) {
  make_samples(3, fmt::format("broken,{}\n", (dir_ / "nowhere").string()));
  const ProgramResult one = embed("one", {"--evidence"});
  EXPECT_EQ(one.exit_code, 3) << one.err;
  const ProgramResult two = embed("two", {"--evidence", "--nproc", "2"});
  EXPECT_EQ(two.exit_code, 3) << two.err;
  EXPECT_EQ(files("two"), files("one"));
  EXPECT_EQ(read_processed(cache("two")).size(), 3u);
  EXPECT_EQ(read_csv(cache("two") / "failures.csv").rows.size(), 1u);
  EXPECT_THAT(two.out, AllOf(HasSubstr("config.json, abdomen_ct:"), HasSubstr("3 embedded, 1 failed; ")));
  EXPECT_THAT(two.err, AllOf(HasSubstr("embed, process 0 of 2: 2/2 volumes"), HasSubstr("nowhere"),
                             Not(HasSubstr("ended with"))));
  // A process for each device; another number goes on with what is there.
  const ProgramResult again = embed("two", {"--evidence", "--device", "cpu,cpu,cpu"});
  EXPECT_EQ(again.exit_code, 3) << again.err;
  EXPECT_THAT(again.out, HasSubstr("3 there already, 1 failed"));
  EXPECT_EQ(files("two"), files("one"));
}

// Whoever opens a pipe waits until somebody writes to it: the process 1 does so until it is killed.
TEST_F(PillarEvalProcesses, OneThatDiesIsNamedAndTheNextStartGoesOn) {
  make_samples(4);
  ASSERT_EQ(embed("whole").exit_code, 0);
  fs::rename(sample(1) / "volume.mp4", dir_ / "kept.mp4");
  ASSERT_EQ(::mkfifo((sample(1) / "volume.mp4").c_str(), 0600), 0);
  const int port = free_port();
  RunningProgram first(command("cut", {"--jobs", "1"}), torchrun_process(0, port));
  RunningProgram other(command("cut", {"--jobs", "1"}), torchrun_process(1, port));
  const fs::path part = cache("cut") / "embeddings/.test.parts/0.csv";
  const auto has_its_share = [&] { return fs::exists(part) && read_csv(part).rows.size() == 2; };
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(4);
  while (!has_its_share() && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  other.signal(SIGKILL);
  EXPECT_EQ(other.wait().exit_code, 128 + SIGKILL);
  const ProgramResult ended = first.wait();
  EXPECT_EQ(ended.exit_code, 1) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("rank 1 ("));
  EXPECT_FALSE(fs::exists(cache("cut") / "processed.csv"));

  fs::rename(dir_ / "kept.mp4", sample(1) / "volume.mp4");
  const ProgramResult again = embed("cut", {"--nproc", "3"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("2 embedded, 2 there already; "));
  EXPECT_EQ(files("cut"), files("whole"));
}

TEST_F(PillarEvalProcesses, KilledWithTheirLauncherTheyGoOnAsOne) {
  make_samples(6);
  ASSERT_EQ(embed("whole").exit_code, 0);
  for (int milliseconds : {500, 900, 1300})
    test::run_and_kill(command("cut", {"--nproc", "2"}), milliseconds);
  const ProgramResult result = embed("cut");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::set<std::string> cut, whole;
  for (const auto& [name, content] : files("cut")) cut.insert(name);
  for (const auto& [name, content] : files("whole")) whole.insert(name);
  EXPECT_EQ(cut, whole);
  EXPECT_EQ(load_embeddings(cache("cut"), "test").accessions.size(), 6u);
  EXPECT_EQ(read_text_file(cache("cut") / "embeddings/test.sources.csv"),
            read_text_file(cache("whole") / "embeddings/test.sources.csv"));
}

TEST_F(PillarEvalProcesses, WhatTheyCannotShareIsRefused) {
  make_samples(2);
  const ProgramResult unnamed =
      test::run_program({"pillar-eval", "embed", "--model", (dir_ / "tiny").string(), sample(0).string(),
                         "--split", "test", "--out", cache("c").string(), "--nproc", "2"});
  EXPECT_EQ(unnamed.exit_code, 2);
  EXPECT_THAT(unnamed.err, HasSubstr("they need --manifest"));
  EXPECT_THAT(embed("c", {"--nproc", "2", "--format", "csv"}).err, HasSubstr("2 processes write npz or"));
  EXPECT_THAT(embed("c", {"--nproc", "3", "--device", "cpu,cpu"}).err, HasSubstr("--device names 2 devices"));
  EXPECT_EQ(embed("c", {"--nproc", "0"}).exit_code, 2);
  const ProgramResult twice =
      RunningProgram(command("c", {"--nproc", "2"}), torchrun_process(0, 20000)).wait();
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.err, HasSubstr("--nproc starts processes itself"));
  EXPECT_FALSE(fs::exists(cache("c")));

  const WriteLock lock = EmbeddingCache::lock(cache("c"), "test");  // this process is the first
  const ProgramResult second = embed("c", {"--nproc", "2"});
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_THAT(second.err, HasSubstr("another run is writing here"));
}

TEST_F(PillarEvalProcesses, OtherSettingsThanTheFirstOnesAreRefused) {
  make_samples(2);
  const int port = free_port() + 1;
  RunningProgram one(command("c"), torchrun_process(0, port));
  RunningProgram other(command("c", {"--normalize"}), torchrun_process(1, port));
  for (RunningProgram* process : {&one, &other}) {
    const ProgramResult ended = process->wait();
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("what is embedded must be the same"), HasSubstr("normalize: on")));
  }
  EXPECT_FALSE(fs::exists(cache("c")));
}

}  // namespace
}  // namespace pillar
