// What programs say on machines whose GPUs or driver they cannot use: a fake driver is put before the real
// one.
#include "support/program.h"
#include "support/temp_dir.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::ProgramResult;
using ::testing::HasSubstr;

ProgramResult run_with_driver(const std::vector<std::string>& command, const std::string& version,
                              const std::string& devices) {
  std::vector<std::string> words = {"/usr/bin/env", "-u", "CUDA_VISIBLE_DEVICES"};
  words.push_back(fmt::format("{}/{}", PILLAR_PROGRAMS, command.front()));
  words.insert(words.end(), command.begin() + 1, command.end());
  return test::RunningProgram(words, {{"LD_LIBRARY_PATH", PILLAR_FAKE_DRIVER},
                                      {"FAKE_CUDA_VERSION", version},
                                      {"FAKE_CUDA_DEVICES", devices}})
      .wait();
}

void expect_fault(const std::vector<std::string>& command, const std::string& message,
                  const std::string& version = "13000") {
  const ProgramResult said = run_with_driver(command, version, "9.0 NVIDIA H100;9.0 NVIDIA H100");
  EXPECT_EQ(said.exit_code, 1) << said.out;
  EXPECT_EQ(said.err, "error: " + message + "\n");
}

constexpr const char* kTwoDevices = "this machine has 2 CUDA devices, cuda:0 and cuda:1";

TEST(DeviceFaults, EmbedNamesTheDevicesThatThereAre) {
  const test::TempDir dir;
  const std::vector<std::string> embed = {
      "pillar-eval", "embed",   "--model", "none",  "--manifest",
      "none.csv",    "--split", "test",    "--out", (dir / "cache").string()};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), embed.begin(), embed.end());
    return more;
  };
  expect_fault(with({"--device", "cuda:7"}), fmt::format("cuda:7: {}", kTwoDevices));
  // Before any process of several is started.
  expect_fault(with({"--device", "cuda:0,cuda:3"}), fmt::format("cuda:3: {}", kTwoDevices));
  expect_fault(
      with({"--device", "cuda", "--nproc", "3"}),
      fmt::format("--device cuda: process 2 of this host (from 0) finds no GPU of its own: {}; start fewer "
                  "processes, or say cuda:0 where each sees only its own",
                  kTwoDevices));
}

TEST(DeviceFaults, TrainingSaysThatTheDriverIsOld) {
  const fs::path programs = PILLAR_PROGRAMS;
  const std::string config = (programs / "../share/pillar/configs/pretrain/demo.yaml").string();
  const std::string message =
      "no CUDA device can be used: the NVIDIA driver gives CUDA 12.6; CUDA 13.0 is needed (NVIDIA driver 580 "
      "or "
      "newer)";
  expect_fault({"pillar-train", "pretrain", "--config", config, "--device", "cuda", "--dry-run"}, message,
               "12060");
  expect_fault({"pillar-train", "pretrain", "--config", config, "--device", "cuda:0", "--nproc", "2"},
               message, "12060");
}

}  // namespace
}  // namespace pillar
