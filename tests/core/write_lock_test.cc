#include "pillar/core/write_lock.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <fstream>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using IfHeld = WriteLock::IfHeld;

// A process of its own that runs `work`; its exit status is 0 unless that throws.
template <typename Work>
pid_t in_a_process(Work work) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    work();
    ::_exit(0);
  } catch (...) {
    ::_exit(1);
  }
}

int exit_status(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(WriteLock, OneOwnerAtATime) {
  const TempDir dir;
  {
    const WriteLock lock = WriteLock::of_folder(dir / "new/run");
    EXPECT_PILLAR_ERROR(WriteLock::of_folder(dir / "new/run"), ErrorCategory::usage,
                        AllOf(HasSubstr("new/run: another run is writing here"),
                              HasSubstr(fmt::format("process {} on ", ::getpid()))));
    EXPECT_NO_THROW(WriteLock::of_folder(dir / "other"));
  }
  EXPECT_NO_THROW(WriteLock::of_folder(dir / "new/run"));
}

TEST(WriteLock, LeavesNoFile) {
  const TempDir dir;
  {
    const WriteLock folder = WriteLock::of_folder(dir / "run");
    const WriteLock table = WriteLock::beside(dir / "table.csv");
    EXPECT_TRUE(fs::exists(dir / "run/.lock"));
    EXPECT_TRUE(fs::exists(dir / ".table.csv.lock"));
  }
  EXPECT_TRUE(fs::is_empty(dir / "run"));
  EXPECT_FALSE(fs::exists(dir / ".table.csv.lock"));
}

TEST(WriteLock, AKilledOwnersFileKeepsNobodyOut) {
  const TempDir dir;
  const pid_t owner = in_a_process([&] {
    const WriteLock lock = WriteLock::of_folder(dir.path());
    ::kill(::getpid(), SIGKILL);
  });
  EXPECT_EQ(exit_status(owner), -1);
  ASSERT_TRUE(fs::exists(dir / ".lock"));
  EXPECT_NO_THROW(WriteLock::of_folder(dir.path()));
}

TEST(WriteLock, RefusalNamesTheOtherProcess) {
  const TempDir dir;
  const std::optional<WriteLock> lock = WriteLock::of_folder(dir.path());
  const pid_t other = in_a_process([&] {
    try {
      WriteLock::of_folder(dir.path());
    } catch (const Error& error) {
      write_file_atomic(dir / "words", std::string_view(error.what()));
    }
  });
  EXPECT_EQ(exit_status(other), 0);
  EXPECT_THAT(read_text_file(dir / "words"), HasSubstr(fmt::format("process {} on ", ::getpid())));
}

// Read, add one, write: without the lock, processes that do so at once lose most of what they add.
TEST(WriteLock, WaitingWritersLoseNothing) {
  const TempDir dir;
  const fs::path counter = dir / "counter";
  write_file_atomic(counter, std::string_view("0"));
  std::vector<pid_t> writers;
  for (int i = 0; i < 4; ++i) {
    writers.push_back(in_a_process([&] {
      for (int turn = 0; turn < 25; ++turn) {
        const WriteLock lock = WriteLock::beside(counter, IfHeld::wait);
        const int value = std::stoi(read_text_file(counter)) + 1;
        std::ofstream(counter) << value;
      }
    }));
  }
  for (const pid_t writer : writers) EXPECT_EQ(exit_status(writer), 0);
  EXPECT_EQ(read_text_file(counter), "100");
}

TEST(WriteLock, AFolderThatCannotBeMadeIsNamed) {
  const TempDir dir;
  write_file_atomic(dir / "file", std::string_view("x"));
  EXPECT_PILLAR_ERROR(WriteLock::of_folder(dir / "file"), ErrorCategory::io, HasSubstr("file"));
}

}  // namespace
}  // namespace pillar
