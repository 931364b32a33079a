#include "pillar/core/error.h"

#include "pillar/core/fail.h"

#include "support/expect_error.h"

namespace pillar {
namespace {

using ::testing::StrEq;

TEST(Error, OnlyUsageErrorsHaveTheirOwnExitCode) {
  EXPECT_EQ(exit_code(ErrorCategory::usage), ExitCode::usage);
  for (ErrorCategory category : {ErrorCategory::input, ErrorCategory::io, ErrorCategory::unsupported}) {
    EXPECT_EQ(exit_code(category), ExitCode::failed);
  }
  EXPECT_EQ(static_cast<int>(ExitCode::usage), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::failed), 1);
}

TEST(Error, CategoriesHaveNames) {
  EXPECT_STREQ(to_string(ErrorCategory::usage), "usage");
  EXPECT_STREQ(to_string(ErrorCategory::input), "input");
  EXPECT_STREQ(to_string(ErrorCategory::io), "io");
  EXPECT_STREQ(to_string(ErrorCategory::unsupported), "unsupported");
}

TEST(Error, FailFormatsPathsAsTheyAre) {
  const std::filesystem::path path = "a folder/scan.nii.gz";
  EXPECT_PILLAR_ERROR(fail(ErrorCategory::input, "{}: {} slices, not {}", path, 3, 4), ErrorCategory::input,
                      StrEq("a folder/scan.nii.gz: 3 slices, not 4"));
}

}  // namespace
}  // namespace pillar
