#include "pillar/core/csv.h"

#include "support/program.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using test::run_program;
using test::TempDir;
using ::testing::HasSubstr;

TEST(PillarPhantom, EnhancedCohortIsEncodable) {
  TempDir dir;
  const std::string cohort = (dir / "cohort").string();
  const auto made = run_program({"pillar-phantom", "--out", cohort, "--studies", "3", "--size", "48",
                                 "--format", "enhanced", "--quiet"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(read_csv(dir / "cohort/series.csv").rows.size(), 3u);
  const auto encoded = run_program({"pillar-rave", "encode", "--input-csv",
                                    (dir / "cohort/series.csv").string(), "--out", (dir / "out").string()});
  EXPECT_EQ(encoded.exit_code, 0) << encoded.err;
  EXPECT_THAT(encoded.out, HasSubstr("3 written"));
}

TEST(PillarPhantom, WrongUsageExitsWithTwo) {
  TempDir dir;
  EXPECT_EQ(run_program({"pillar-phantom"}).exit_code, 2);
  EXPECT_EQ(run_program({"pillar-phantom", "--out", (dir / "c").string(), "--studies", "-1"}).exit_code, 2);
  EXPECT_EQ(
      run_program({"pillar-phantom", "--out", (dir / "c").string(), "--studies", "1", "--format", "png"})
          .exit_code,
      2);
}

}  // namespace
}  // namespace pillar
