#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/tiny_disk.h"

#include <fstream>

#include <sys/wait.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(File, RoundTrip) {
  TempDir dir;
  write_file_atomic(dir / "a b.txt", std::string_view("hello\n"));
  EXPECT_EQ(read_text_file(dir / "a b.txt"), "hello\n");
  EXPECT_EQ(MappedFile(dir / "a b.txt").bytes().size(), 6u);
}

TEST(File, EmptyFileMapsToNothing) {
  TempDir dir;
  write_file_atomic(dir / "empty", std::string_view());
  EXPECT_TRUE(MappedFile(dir / "empty").bytes().empty());
}

TEST(File, MissingFileIsNamed) {
  EXPECT_PILLAR_ERROR(read_file("/no/such file"), ErrorCategory::io, HasSubstr("/no/such file"));
}

TEST(File, WritingIntoAMissingFolderNamesTheFileThatWasAskedFor) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(write_file_atomic(dir / "no/data", std::string_view("x")), ErrorCategory::io,
                      AllOf(HasSubstr("no/data: cannot create"), ::testing::Not(HasSubstr("partial"))));
}

TEST(File, FolderIsNotAFile) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(read_file(dir.path()), ErrorCategory::io, HasSubstr("not a regular file"));
}

TEST(File, TooLargeIsRefusedBeforeReading) {
  TempDir dir;
  write_file_atomic(dir / "big", std::string_view("123456"));
  EXPECT_PILLAR_ERROR(read_file(dir / "big", 5), ErrorCategory::input,
                      AllOf(HasSubstr("big"), HasSubstr("6 bytes")));
}

TEST(File, FullDiskLeavesTheOldFileAndNothingElse) {
  TempDir dir;
  const int answer = test::on_tiny_disk(dir.path(), 64, [&] {
    write_file_atomic(dir / "data", std::string_view("old"));
    try {
      write_file_atomic(dir / "data", std::string(1 << 20, 'x'));
    } catch (const Error& error) {
      const bool named =
          std::string(error.what()).find("data: cannot write: No space left on device") != std::string::npos;
      const bool clean = std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1;
      return named && clean && error.category() == ErrorCategory::io && read_text_file(dir / "data") == "old"
                 ? 0
                 : 1;
    }
    return 2;
  });
  if (answer == -1) GTEST_SKIP() << "no mount namespaces here";
  EXPECT_EQ(answer, 0);
}

TEST(PartialPath, UncommittedLeavesNothing) {
  TempDir dir;
  {
    PartialPath partial(dir / "sample");
    fs::create_directories(partial.path());
    std::ofstream(partial.path() / "x") << "half";
    EXPECT_FALSE(fs::exists(dir / "sample"));
  }
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(PartialPath, CommitReplacesAFolder) {
  TempDir dir;
  fs::create_directories(dir / "sample");
  std::ofstream(dir / "sample/old") << "old";
  PartialPath partial(dir / "sample");
  fs::create_directories(partial.path());
  std::ofstream(partial.path() / "new") << "new";
  partial.commit();
  EXPECT_TRUE(fs::exists(dir / "sample/new"));
  EXPECT_FALSE(fs::exists(dir / "sample/old"));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()), 1);
}

TEST(PartialPath, StaleOnesOfDeadProcessesAreRemoved) {
  TempDir dir;
  pid_t child = fork();
  if (child == 0) {
    PartialPath partial(dir / "sample");
    std::ofstream(partial.path()) << "half";
    _exit(0);  // as kill -9 would: no destructor runs
  }
  siginfo_t ended = {};
  waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);  // it ends, and keeps its number
  PartialPath alive(dir / "other");
  std::ofstream(alive.path()) << "half";
  EXPECT_EQ(remove_stale_partials(dir.path()), 1);
  EXPECT_TRUE(fs::exists(alive.path()));
  waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace pillar
