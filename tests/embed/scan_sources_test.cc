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

TEST(ScanSources, AFileOfOtherColumnsIsRefused) {
  TempDir dir;
  write_file_atomic(dir / "test.csv", "name,source\n");
  EXPECT_PILLAR_ERROR(ScanSources(dir / "test.csv", false), ErrorCategory::input,
                      HasSubstr("accession,path,source,content"));
}

}  // namespace
}  // namespace pillar
