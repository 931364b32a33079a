#include "embed/shared/scan_sources.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

ScanSource source_of_scan(const std::string& name) {
  return {"/scans/" + name, {"series " + name, "3 images, sha256 " + name}};
}

TEST(ScanSources, TellWhatWasPut) {
  TempDir dir;
  {
    ScanSources sources(dir / "test.csv", false);
    EXPECT_FALSE(sources.before("A,1").has_value());
    sources.put("A,1", source_of_scan("a"));
    sources.put("B1", source_of_scan("b"));
    sources.finish();
  }
  const ScanSources again(dir / "test.csv", false);
  EXPECT_EQ(again.before("A,1")->path, "/scans/a");
  EXPECT_EQ(compare(again.before("B1")->identity, source_of_scan("b").identity), SourceMatch::same);
  EXPECT_FALSE(ScanSources(dir / "train.csv", false).before("B1").has_value());
}

// A run that is killed after it has replaced an embedding must not leave word of the scan before.
TEST(ScanSources, WhileTheyAreReplacedTheFileTellsOfNoneThatWasNotPut) {
  TempDir dir;
  ScanSources first(dir / "test.csv", false);
  first.put("A1", source_of_scan("a"));
  first.put("B1", source_of_scan("b"));
  first.finish();
  ScanSources second(dir / "test.csv", true);
  EXPECT_EQ(second.before("A1")->path, "/scans/a");
  EXPECT_FALSE(ScanSources(dir / "test.csv", false).before("A1").has_value());
  second.put("A1", source_of_scan("c"));
  second.flush();
  EXPECT_EQ(ScanSources(dir / "test.csv", false).before("A1")->path, "/scans/c");
  EXPECT_FALSE(ScanSources(dir / "test.csv", false).before("B1").has_value());
  second.finish();
  EXPECT_EQ(ScanSources(dir / "test.csv", false).before("B1")->path, "/scans/b");
}

// One of several processes: its file is what another one has to know to go on.
TEST(ScanSources, APartSaysOnlyWhatIsOtherwise) {
  TempDir dir;
  ScanSources whole(dir / "test.csv", false);
  for (const std::string name : {"A1", "B1", "C1"}) whole.put(name, source_of_scan("old"));
  whole.finish();
  ScanSources part =
      ScanSources::part(dir / "0.csv", {{"A1", source_of_scan("old")}, {"B1", source_of_scan("old")}}, false);
  EXPECT_EQ(part.before("A1")->path, "/scans/old");
  EXPECT_FALSE(part.before("C1").has_value());
  part.flush();
  EXPECT_FALSE(whole.take_in(dir / "0.csv")) << "nothing is otherwise";
  EXPECT_TRUE(part.withdraw("A1"));
  EXPECT_FALSE(part.withdraw("A1"));
  EXPECT_FALSE(part.withdraw("D1")) << "nothing was said of it";
  part.put("D1", source_of_scan("new"));
  part.flush();
  EXPECT_TRUE(whole.take_in(dir / "0.csv"));
  EXPECT_FALSE(whole.before("A1").has_value()) << "withdrawn, and the process was killed";
  EXPECT_EQ(whole.said().at("B1").path, "/scans/old");
  EXPECT_EQ(whole.said().at("D1").path, "/scans/new");

  part.finish();  // A1 was not replaced after all
  ScanSources again(dir / "test.csv", false);
  again.take_in(dir / "0.csv");
  EXPECT_EQ(again.said().size(), 4u);
  EXPECT_EQ(again.said().at("A1").path, "/scans/old");
}

TEST(ScanSources, APartThatIsReplacedTellsOfNoneThatWasNotPut) {
  TempDir dir;
  ScanSources part =
      ScanSources::part(dir / "0.csv", {{"A1", source_of_scan("a")}, {"B1", source_of_scan("b")}}, true);
  part.put("A1", source_of_scan("c"));
  part.flush();
  ScanSources whole(dir / "test.csv", false);
  whole.put("B1", source_of_scan("b"));
  whole.take_in(dir / "0.csv");
  EXPECT_EQ(whole.said().size(), 1u);
  EXPECT_EQ(whole.said().at("A1").path, "/scans/c");
}

TEST(ScanSources, AFileOfOtherColumnsIsRefused) {
  TempDir dir;
  write_file_atomic(dir / "test.csv", "name,source\n");
  EXPECT_PILLAR_ERROR(ScanSources(dir / "test.csv", false), ErrorCategory::input,
                      HasSubstr("accession,path,source,content"));
}

}  // namespace
}  // namespace pillar
