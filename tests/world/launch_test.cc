#include "pillar/world/launch.h"

#include "support/expect_error.h"
#include "support/program.h"
#include "support/temp_dir.h"

#include <chrono>
#include <fstream>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar {
namespace {

using test::run_program;
using test::TempDir;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string text_of(const std::filesystem::path& path) {
  std::string line;
  std::ifstream stream(path);
  std::getline(stream, line);
  return line;
}

TEST(LaunchLocal, StartsProcessesThatFindEachOther) {
  const TempDir folder;
  const auto result = run_program({PILLAR_WORLD_RANK, "--nproc", "3", "launched", folder.path().string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (int rank = 0; rank < 3; ++rank) {
    std::istringstream words(text_of(folder / ("rank " + std::to_string(rank))));
    int size = 0, threads = 0;
    words >> size >> threads;
    EXPECT_EQ(size, 3);
    EXPECT_GE(threads, 1);
  }
  EXPECT_THAT(result.out, AllOf(HasSubstr("output of rank 0"), Not(HasSubstr("output of rank 1"))));
}

TEST(LaunchLocal, TheFirstBadEndIsTheExitCode) {
  const auto result = run_program({PILLAR_WORLD_RANK, "--nproc", "3", "launched_fails"});
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_THAT(result.err, AllOf(HasSubstr("rank 1 (pid"), HasSubstr("exit code 7")));
}

TEST(LaunchLocal, SomeInputsThatFailedAreNoBadEnd) {
  const auto result = run_program({PILLAR_WORLD_RANK, "--nproc", "2", "launched_some_failed"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.out, HasSubstr("rank 0 has worked to its end"));
  EXPECT_THAT(result.err, Not(HasSubstr("ended with")));
}

TEST(LaunchLocal, AKilledProcessIsNamed) {
  const auto result = run_program({PILLAR_WORLD_RANK, "--nproc", "3", "launched_dies"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("rank 1 (pid"), HasSubstr("signal 9")));
}

// A launcher whose two children wait; gives its pid and theirs.
struct Waiting {
  explicit Waiting(const TempDir& folder) {
    pid = ::fork();
    if (pid == 0) {
      ::execl(PILLAR_WORLD_RANK, "train_rank", "--nproc", "2", "launched_waits", folder.path().c_str(),
              nullptr);
      ::_exit(127);
    }
    for (const char* name : {"rank 0", "rank 1"}) {
      for (int i = 0; i < 6000 && text_of(folder / name).empty(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      children.push_back(std::stoi(text_of(folder / name)));
    }
  }
  pid_t pid = 0;
  std::vector<pid_t> children;
};

TEST(LaunchLocal, HandsSignalsOn) {
  const TempDir folder;
  const Waiting launcher(folder);
  ::kill(launcher.pid, SIGUSR1);
  int status = 0;
  ::waitpid(launcher.pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

bool runs(pid_t pid) {
  // A zombie whose new parent does not wait for it has ended too.
  const std::string line = text_of("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t close = line.rfind(')');
  return close != std::string::npos && line.compare(close, 3, ") Z") != 0;
}

TEST(LaunchLocal, ChildrenEndWithTheLauncher) {
  const TempDir folder;
  const Waiting launcher(folder);
  ::kill(launcher.pid, SIGKILL);
  ::waitpid(launcher.pid, nullptr, 0);
  for (const pid_t child : launcher.children) {
    for (int i = 0; i < 1000 && runs(child); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_FALSE(runs(child));
  }
}

TEST(LaunchLocal, RefusesNoProcesses) {
  EXPECT_PILLAR_ERROR(launch_local(0, {}), ErrorCategory::usage, HasSubstr("0 processes"));
  EXPECT_PILLAR_ERROR(launch_local(100000, {}), ErrorCategory::usage, HasSubstr("100000"));
  EXPECT_FALSE(launched_locally());
}

}  // namespace
}  // namespace pillar
