#include "pillar/metrics/run_record.h"

#include "pillar/core/file.h"

#include "metrics/json/parts.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <limits>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(RunRecord, AFileIsKnownByItsBytes) {
  TempDir dir;
  write_file_atomic(dir / "some labels.json", std::string_view("abc"));
  const InputRecord record = file_record("labels", dir / "some labels.json");
  EXPECT_EQ(record.what, "labels");
  EXPECT_EQ(record.bytes, 3u);
  EXPECT_EQ(record.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_PILLAR_ERROR(file_record("labels", dir / "none"), ErrorCategory::io, HasSubstr("none"));
}

TEST(RunRecord, TheHeadSaysHowARunWasMade) {
  RunRecord record;
  record.kind = "retrieve";
  record.command = {"/somewhere/bin/pillar-eval", "retrieve", "--out", "a folder", "it's", ""};
  record.settings = {{"split", "test"}};
  record.inputs = {{"labels", "in/labels.json", "00ff", 7}};
  const MetricsJson head = metrics_head(record);
  EXPECT_EQ(head.at("format"), 1);
  EXPECT_EQ(head.at("kind"), "retrieve");
  EXPECT_EQ(head.at("command"), "pillar-eval retrieve --out 'a folder' 'it'\\''s' ''");
  EXPECT_THAT(head.at("created").get<std::string>(), MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_THAT(head.at("versions").at("libpillar").get<std::string>(),
              MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_THAT(head.at("versions").at("LibTorch").get<std::string>(), MatchesRegex("2\\.[0-9]+\\..*"));
  EXPECT_EQ(head.at("inputs").dump(),
            R"([{"what":"labels","path":"in/labels.json","sha256":"00ff","bytes":7}])");
  EXPECT_EQ(head.at("settings").dump(), R"({"split":"test"})");
}

TEST(RunRecord, NumbersThatAreNoneAreNull) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(interval_json({0.5, kNaN, INFINITY}).dump(), R"({"value":0.5,"low":null,"high":null})");
}

TEST(RunRecord, MetricsAreWrittenWhateverTheirBytes) {
  TempDir dir;
  write_metrics_json(dir / "new" / "run", {{"question",
                                            "a\xFF"
                                            "b"}});
  EXPECT_EQ(read_text_file(dir / "new" / "run" / "metrics.json"),
            "{\n  \"question\": \"a\xEF\xBF\xBD"
            "b\"\n}\n");
  write_file_atomic(dir / "file", std::string_view("x"));
  EXPECT_PILLAR_ERROR(write_metrics_json(dir / "file", {}), ErrorCategory::io,
                      HasSubstr("file: cannot be made"));
}

}  // namespace
}  // namespace pillar
