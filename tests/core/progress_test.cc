#include "pillar/core/progress.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const ProgressOptions kSeries{.label = "encode", .unit = "series", .total = 200};

TEST(FormatProgress, RateAndTimeLeft) {
  EXPECT_EQ(format_progress(kSeries, 12, 4.0, 10), "12/200 series  6%  |..........|  3.0 series/s  ETA 1:03");
  EXPECT_EQ(format_progress(kSeries, 100, 1000.0, 10),
            "100/200 series  50%  |#####.....|  0.1 series/s  ETA 16:40");
  EXPECT_EQ(format_progress(kSeries, 100, 0.5, 0), "100/200 series  50%  200 series/s  ETA 0:01");
}

TEST(FormatProgress, SlowWorkHasHours) {
  EXPECT_THAT(format_progress(kSeries, 1, 60.0, 0), EndsWith("ETA 3:19:00"));
}

TEST(FormatProgress, BeginAndEnd) {
  EXPECT_EQ(format_progress(kSeries, 0, 0.0, 4), "0/200 series  0%  |....|");
  EXPECT_EQ(format_progress(kSeries, 0, 5.0, 4), "0/200 series  0%  |....|");
  EXPECT_EQ(format_progress(kSeries, 199, 199.0, 4), "199/200 series  99%  |###.|  1.0 series/s  ETA 0:01");
  EXPECT_EQ(format_progress(kSeries, 200, 62.0, 4), "200/200 series  100%  |####|  3.2 series/s  in 1:02");
  EXPECT_EQ(format_progress(kSeries, 200, 5000.0, 0), "200/200 series  100%  25.0 s each  in 1:23:20");
  EXPECT_EQ(format_progress(kSeries, 300, 62.0, 4), "300/200 series  100%  |####|  4.8 series/s  in 1:02");
}

TEST(FormatProgress, AnUnknownTotal) {
  EXPECT_EQ(format_progress({.unit = "files"}, 30, 10.0, 10), "30 files  3.0 files/s  0:10");
  EXPECT_EQ(format_progress({.unit = "files"}, 0, 0.0, 10), "0 files  0:00");
}

TEST(Progress, PlainLinesWhereThereIsNoTerminal) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress({.label = "encode", .unit = "series", .total = 50});
    for (int i = 0; i < 50; ++i) progress.advance(1, "last one");
    progress.finish();
    progress.advance();
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, AllOf(StartsWith("encode: 50/50 series  100%"), EndsWith("  last one\n")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Progress, PlainLinesComeAtTheInterval) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress({.total = 3, .plain_interval = std::chrono::seconds(0)});
    for (int i = 0; i < 3; ++i) progress.advance();
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << "the last state once";
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

TEST(Progress, QuietPrintsNothing) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress({.total = 3, .quiet = true, .plain_interval = std::chrono::seconds(0)});
    progress.advance(3);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Progress, ThreadsMayAdvanceTogether) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress({.total = 4000});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&progress] {
        for (int i = 0; i < 1000; ++i) progress.advance();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("4000/4000 items  100%"));
}

// Runs `body` with a terminal of this many columns as standard error; returns what was written to it.
std::string on_terminal(unsigned short columns, const std::function<void()>& body) {
  struct winsize size = {24, columns, 0, 0};
  int reader = -1, terminal = -1;
  if (::openpty(&reader, &terminal, nullptr, nullptr, &size) != 0) return "no terminal";
  const int before = ::dup(STDERR_FILENO);
  ::dup2(terminal, STDERR_FILENO);
  body();
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  ::close(terminal);  // the last one: now the reader comes to an end
  std::string text;
  char buffer[1024];
  for (ssize_t got = 0; (got = ::read(reader, buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  ::close(reader);
  return text;
}

TEST(Progress, ATerminalHasOneLineDrawnAgain) {
  const std::string text = on_terminal(120, [] {
    Progress progress({.label = "encode", .unit = "series", .total = 2});
    progress.advance(1, "first");
    progress.advance(1, "second");
  });
  EXPECT_THAT(text, StartsWith("\rencode: 1/2 series  50%  |####"));
  EXPECT_THAT(text, AllOf(HasSubstr("first\x1b[K\rencode: 2/2 series  100%"), EndsWith("second\x1b[K\r\n")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Progress, ANarrowTerminalIsNeverOverrun) {
  for (unsigned short columns : {1, 10, 30, 50, 79}) {
    const std::string text = on_terminal(columns, [] {
      Progress progress({.label = "encode", .unit = "series", .total = 2});
      progress.advance(1, "größe größe größe größe größe größe");
      progress.advance(1);
    });
    for (std::size_t begin = text.find('\r'); begin != std::string::npos;
         begin = text.find('\r', begin + 1)) {
      const std::size_t end = text.find("\x1b[K", begin);
      if (end == std::string::npos) break;
      EXPECT_LT(end - begin - 1, columns);
    }
    EXPECT_THAT(text, EndsWith("\x1b[K\r\n"));
  }
}

}  // namespace
}  // namespace pillar
