// What is said on machines with an old driver, old GPUs, hidden ones or none: in child processes before whose
// real driver a fake one is put. Needs no GPU.
#include "device/cuda_driver.h"

#include "pillar/device/device.h"

#include "support/expect_error.h"
#include "support/program.h"

#include <fstream>
#include <memory>

namespace pillar {
namespace {

using test::ProgramResult;
using test::RunningProgram;
using ::testing::HasSubstr;
using Environment = std::map<std::string, std::string>;

std::unique_ptr<RunningProgram> start_printing(const std::string& word, Environment machine,
                                               const std::string& process = "0",
                                               const std::string& driver = PILLAR_FAKE_DRIVER) {
  machine["LD_LIBRARY_PATH"] = driver;
  std::vector<std::string> command = {"/usr/bin/env", PILLAR_PRINT_DEVICE, word, process};
  if (machine.count("CUDA_VISIBLE_DEVICES") == 0)
    command.insert(command.begin() + 1, {"-u", "CUDA_VISIBLE_DEVICES"});
  return std::make_unique<RunningProgram>(command, machine);
}

ProgramResult print_device(const std::string& word, const Environment& machine,
                           const std::string& process = "0") {
  return start_printing(word, machine, process)->wait();
}

struct BadMachine {
  std::string word, process;
  Environment machine;
  std::string message;
};

const std::vector<BadMachine> kBadMachines = {
    {"cuda",
     "0",
     {{"FAKE_CUDA_VERSION", "12040"}, {"FAKE_CUDA_DEVICES", "9.0 NVIDIA H100"}},
     "no CUDA device can be used: the NVIDIA driver gives CUDA 12.4; CUDA 13.0 is needed (NVIDIA driver 580 "
     "or "
     "newer)"},
    {"cuda",
     "0",
     {{"FAKE_CUDA_INIT", "803"}},
     "no CUDA device can be used: the NVIDIA driver does not start (error 803, system has unsupported "
     "display "
     "driver / cuda driver combination)"},
    {"cuda",
     "0",
     {{"FAKE_CUDA_INIT", "999"}},
     "no CUDA device can be used: the NVIDIA driver does not start (error 999)"},
    {"cuda", "0", {}, "no CUDA device can be used: the NVIDIA driver shows no GPU"},
    {"cuda:0",
     "0",
     {{"FAKE_CUDA_INIT", "100"}, {"CUDA_VISIBLE_DEVICES", ""}},
     "no CUDA device can be used: the NVIDIA driver shows no GPU (CUDA_VISIBLE_DEVICES is '')"},
    {"cuda:7",
     "0",
     {{"FAKE_CUDA_DEVICES", "9.0 NVIDIA H100;9.0 NVIDIA H100"}},
     "cuda:7: this machine has 2 CUDA devices, cuda:0 and cuda:1"},
    {"cuda:1",
     "0",
     {{"FAKE_CUDA_DEVICES", "9.0 NVIDIA H100"}, {"CUDA_VISIBLE_DEVICES", "3"}},
     "cuda:1: this machine has 1 CUDA device, cuda:0 (CUDA_VISIBLE_DEVICES is '3')"},
    {"cuda:99999999999999999999",
     "0",
     {{"FAKE_CUDA_DEVICES", "8.0 A;8.0 B;8.0 C"}},
     "cuda:99999999999999999999: this machine has 3 CUDA devices, cuda:0 to cuda:2"},
    {"cuda",
     "2",
     {{"FAKE_CUDA_DEVICES", "9.0 NVIDIA H100;9.0 NVIDIA H100"}},
     "--device cuda: process 2 of this host (from 0) finds no GPU of its own: this machine has 2 CUDA "
     "devices, "
     "cuda:0 and cuda:1; start fewer processes, or say cuda:0 where each sees only its own"},
    {"cuda",
     "1",
     {{"FAKE_CUDA_DEVICES", "7.5 Tesla T4;9.0 NVIDIA H100"}},
     "--device cuda: process 1 of this host (from 0) finds no GPU of its own: this machine has 2 CUDA "
     "devices, "
     "cuda:0 and cuda:1, 1 of which can be used; start fewer processes, or say cuda:0 where each sees only "
     "its "
     "own"},
    {"cuda:1",
     "0",
     {{"FAKE_CUDA_DEVICES", "9.0 NVIDIA H100;7.0 Tesla V100-SXM2-16GB"}},
     "cuda:1 (Tesla V100-SXM2-16GB) has compute capability 7.0; libpillar's kernels need 8.0 or newer (an "
     "A100 has "
     "8.0, an H100 9.0)"},
    {"cuda",
     "0",
     {{"FAKE_CUDA_DEVICES", "7.5 Tesla T4;7.0 Tesla V100-SXM2-16GB"}},
     "no CUDA device can be used: cuda:0 (Tesla T4) has compute capability 7.5; libpillar's kernels need 8.0 "
     "or "
     "newer (an A100 has 8.0, an H100 9.0); none of the other 1 is newer"}};

TEST(CudaDriver, WhatIsMissingIsSaid) {
  std::vector<std::unique_ptr<RunningProgram>> started;  // most of their time is LibTorch's start
  for (const BadMachine& bad : kBadMachines)
    started.push_back(start_printing(bad.word, bad.machine, bad.process));
  for (std::size_t i = 0; i < kBadMachines.size(); ++i) {
    const BadMachine& bad = kBadMachines[i];
    const ProgramResult said = started[i]->wait();
    EXPECT_EQ(said.exit_code, 1) << bad.message;
    EXPECT_EQ(said.err, "error: " + bad.message + "\n");
    EXPECT_EQ(said.out, "");
  }
}

TEST(CudaDriver, AutoComputesOnTheCpuAndSaysWhy) {
  const ProgramResult old = print_device("auto", {{"FAKE_CUDA_VERSION", "12080"}});
  EXPECT_EQ(old.exit_code, 0);
  EXPECT_EQ(old.out, "cpu\n");
  EXPECT_THAT(old.err, HasSubstr("warning"));
  EXPECT_THAT(old.err,
              HasSubstr("computes on the CPU, as --device auto finds no GPU: the NVIDIA driver gives CUDA "
                        "12.8; CUDA 13.0 is needed (NVIDIA driver 580 or newer)\n"));
  // One process of a host says so for all.
  EXPECT_EQ(print_device("auto", {{"FAKE_CUDA_VERSION", "12080"}}, "1").err, "");
  const ProgramResult past = print_device("auto", {{"FAKE_CUDA_DEVICES", "7.5 Tesla T4"}});
  EXPECT_EQ(past.out, "cpu\n");
  EXPECT_THAT(past.err, HasSubstr("cuda:0 (Tesla T4) has compute capability 7.5"));
}

TEST(CudaDriver, AMachineWithoutADriverIsNoWarning) {
  const test::TempDir dir;
  std::ofstream(dir / "libcuda.so.1") << "no library";
  const std::string folder = dir.path().string();
  const ProgramResult asked = start_printing("cuda", {}, "0", folder)->wait();
  EXPECT_EQ(asked.exit_code, 1);
  EXPECT_EQ(asked.err,
            "error: no CUDA device can be used: no NVIDIA driver (libcuda.so.1) on this machine\n");
  const ProgramResult chosen = start_printing("auto", {}, "0", folder)->wait();
  EXPECT_EQ(chosen.out, "cpu\n");
  EXPECT_EQ(chosen.err, "");
}

TEST(CudaDriver, WordsThatNameNoDeviceAreWrongUsage) {
  for (const char* word : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda: 1", "cuda:1,cuda:2"})
    EXPECT_PILLAR_ERROR(parse_device(word), ErrorCategory::usage,
                        HasSubstr("one of auto, cpu, cuda, cuda:N"));
}

TEST(CudaDriver, ProcessesTakeTheDevicesThatCanBeUsed) {
  CudaDriver driver;
  driver.devices = {{"Tesla T4", 7, 5}, {"NVIDIA H100", 9, 0}, {"Tesla T4", 7, 5}, {"NVIDIA B200", 10, 0}};
  EXPECT_EQ(choose_device(driver, "auto", 0), 1u);
  EXPECT_EQ(choose_device(driver, "cuda", 1), 3u);
  EXPECT_EQ(choose_device(driver, "cuda:3", 5), 3u);
  EXPECT_PILLAR_ERROR(choose_device(driver, "cuda", 2), ErrorCategory::unsupported, HasSubstr("2 of which"));
}

}  // namespace
}  // namespace pillar
