#include "pillar/core/file.h"

#include "support/program.h"
#include "support/temp_dir.h"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using test::run_program;
using test::TempDir;

TEST(PillarBench, WritesEveryCaseWithBothSides) {
  TempDir dir;
  const std::string cohort = (dir / "cohort").string();
  ASSERT_EQ(
      run_program({"pillar-phantom", "--out", cohort, "--studies", "1", "--size", "96", "--quiet"}).exit_code,
      0);
  ASSERT_EQ(run_program({"pillar-rave", "encode", cohort + "/scans", "--out", (dir / "out").string(),
                         "--mode", "rave10"})
                .exit_code,
            0);
  const auto result =
      run_program({"pillar-bench", "rave", "--sample", (dir / "out/PH000001.1.0").string(), "--repeats", "1",
                   "--batch", "2", "--json", (dir / "bench.json").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(read_text_file(dir / "bench.json"));
  std::set<std::string> names;
  for (const auto& entry : json) {
    names.insert(entry["name"]);
    for (const char* side : {"ours", "baseline"}) {
      EXPECT_GT(entry[side]["seconds"].get<double>(), 0) << entry["name"];
      EXPECT_GT(entry[side]["peak_rss_mb"].get<double>(), 0) << entry["name"];
    }
    EXPECT_FALSE(entry["baseline"]["what"].get<std::string>().empty());
    EXPECT_GT(entry["ratio_time"].get<double>(), 0);
    EXPECT_FALSE(entry["machine"].get<std::string>().empty());
  }
  for (const char* name :
       {"decode", "decode_public", "decode_two_jobs", "encode_public", "resample", "startup",
        "encode_2_series", "mode.lossless12.ultrafast", "mode.lossless16.ffv1"}) {
    EXPECT_EQ(names.count(name), 1u) << name;
  }
  for (const auto& entry : json) {
    if (entry["name"] == "mode.lossless12.ultrafast" || entry["name"] == "mode.lossless16.ffv1") {
      EXPECT_EQ(entry["ours"]["max_abs_error"], 0);
    }
  }
}

TEST(PillarBench, WindowsSayWhatTheMachineCould) {
  TempDir dir;
  const auto result = run_program({"pillar-bench", "windows", "--size", "48", "--repeats", "1", "--threads",
                                   "2", "--json", (dir / "bench.json").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(read_text_file(dir / "bench.json"));
  std::set<std::string> names;
  for (const auto& entry : json) {
    names.insert(entry["name"]);
    const auto& ours = entry["ours"];
    EXPECT_EQ(ours["bytes_written"], 48 * 48 * 48 * 11 * 2) << entry["name"];
    EXPECT_EQ(entry["baseline"]["bytes_written"], ours["bytes_written"]);
    EXPECT_GT(ours["peak_rss_mb"].get<double>(), 0);
    EXPECT_GT(ours["machine_gb_per_s"].get<double>(), 0);
    EXPECT_NEAR(ours["ratio_to_machine"].get<double>(),
                ours["gb_per_s"].get<double>() / ours["machine_gb_per_s"].get<double>(), 1e-9);
    EXPECT_EQ(entry["threads"], 2);
  }
  EXPECT_EQ(names, (std::set<std::string>{"windows_reused", "windows_fresh", "windows_slabs"}));
  EXPECT_EQ(run_program({"pillar-bench", "windows", "--size", "7"}).exit_code, 2);
}

}  // namespace
}  // namespace pillar
