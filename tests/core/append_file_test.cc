#include "core/shared/append_file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/tiny_disk.h"

#include <cerrno>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

TEST(AppendFile, GoesOnWhereTheFileEnds) {
  TempDir dir;
  write_file_atomic(dir / "a log", "one\n");
  AppendFile file(dir / "a log");
  EXPECT_EQ(file.append("two\n"), 0);
  EXPECT_EQ(file.append(""), 0);
  EXPECT_EQ(file.append("three\n"), 0);
  EXPECT_EQ(file.sync(), 0);
  EXPECT_EQ(read_text_file(dir / "a log"), "one\ntwo\nthree\n");
}

TEST(AppendFile, WhatCannotBeOpenedIsNamed) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(AppendFile(dir.path()), ErrorCategory::io, HasSubstr(dir.path().string()));
  EXPECT_PILLAR_ERROR(AppendFile(dir / "none/log"), ErrorCategory::io, HasSubstr("none/log"));
}

TEST(AppendFile, AFullDiskTakesNoHalfRecord) {
  TempDir dir;
  const int answer = test::on_tiny_disk(dir.path(), 16, [&] {
    AppendFile file(dir / "log");
    const std::string record(5000, 'x');
    std::size_t whole = 0;
    int reason = 0;
    while ((reason = file.append(record)) == 0) whole += record.size();
    if (reason != ENOSPC || whole == 0) return 1;
    if (std::filesystem::file_size(dir / "log") != whole) return 2;
    return file.append("y") == 0 && read_text_file(dir / "log").back() == 'y' ? 0 : 3;
  });
  if (answer == -1) GTEST_SKIP() << "no mount namespaces here";
  EXPECT_EQ(answer, 0);
}

}  // namespace
}  // namespace pillar
