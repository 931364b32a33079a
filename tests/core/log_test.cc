#include "pillar/core/log.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The log is the process's: what a test sets up must not outlive it.
class Log : public ::testing::Test {
 protected:
  void TearDown() override { init_logging({}); }

  static std::string captured(const LogOptions& options) {
    ::testing::internal::CaptureStderr();
    init_logging(options);
    spdlog::debug("a detail");
    spdlog::info("a note");
    spdlog::error("a fault");
    spdlog::default_logger()->flush();
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(Log, TheLevelChooses) {
  EXPECT_THAT(captured({.level = "info"}),
              AllOf(HasSubstr("info: a note\n"), HasSubstr("error: a fault\n"), Not(HasSubstr("detail"))));
  EXPECT_THAT(captured({.level = "debug"}), HasSubstr("debug: a detail\n"));
  EXPECT_EQ(captured({.level = "off"}), "");
}

TEST_F(Log, QuietShowsErrorsOnlyButTheFileHasAll) {
  TempDir dir;
  const std::string shown = captured({.level = "debug", .quiet = true, .file = dir / "a log.txt"});
  EXPECT_THAT(shown, AllOf(HasSubstr("a fault"), Not(HasSubstr("a note"))));
  const std::string file = read_text_file(dir / "a log.txt");
  EXPECT_THAT(file, AllOf(HasSubstr("debug a detail"), HasSubstr("info a note"), HasSubstr("error a fault")));
}

TEST_F(Log, TheFileIsAppendedTo) {
  TempDir dir;
  captured({.file = dir / "log"});
  captured({.file = dir / "log"});
  const std::string file = read_text_file(dir / "log");
  EXPECT_NE(file.find("a note"), file.rfind("a note"));
}

TEST_F(Log, BadOptionsAreRefused) {
  EXPECT_PILLAR_ERROR(init_logging({.level = "loud"}), ErrorCategory::usage,
                      HasSubstr("unknown log level 'loud'"));
  EXPECT_PILLAR_ERROR(init_logging({.level = ""}), ErrorCategory::usage, HasSubstr("unknown log level"));
  TempDir dir;
  EXPECT_PILLAR_ERROR(init_logging({.file = dir.path()}), ErrorCategory::io,
                      HasSubstr("cannot open the log file"));
}

}  // namespace
}  // namespace pillar
