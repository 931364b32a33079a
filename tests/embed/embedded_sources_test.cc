#include "embed/embedded_sources.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

EmbeddedSource source_of_scan(const std::string& name) {
  return {"/scans/" + name, {"series " + name, "3 images, sha256 " + name}};
}

TEST(EmbeddedSources, TellWhatWasPut) {
  TempDir dir;
  std::filesystem::create_directories(dir / "embeddings");
  {
    EmbeddedSources sources(dir.path(), "test", false);
    EXPECT_FALSE(sources.before("A,1").has_value());
    sources.put("A,1", source_of_scan("a"));
    sources.put("B1", source_of_scan("b"));
    sources.finish();
  }
  const EmbeddedSources again(dir.path(), "test", false);
  EXPECT_EQ(again.before("A,1")->path, "/scans/a");
  EXPECT_EQ(compare(again.before("B1")->identity, source_of_scan("b").identity), SourceMatch::same);
  EXPECT_FALSE(EmbeddedSources(dir.path(), "train", false).before("B1").has_value());
}

// A run that is killed after it has replaced an embedding must not leave word of the scan before.
TEST(EmbeddedSources, WhileTheyAreReplacedTheFileTellsOfNoneThatWasNotPut) {
  TempDir dir;
  std::filesystem::create_directories(dir / "embeddings");
  EmbeddedSources first(dir.path(), "test", false);
  first.put("A1", source_of_scan("a"));
  first.put("B1", source_of_scan("b"));
  first.finish();
  EmbeddedSources second(dir.path(), "test", true);
  EXPECT_EQ(second.before("A1")->path, "/scans/a");
  EXPECT_FALSE(EmbeddedSources(dir.path(), "test", false).before("A1").has_value());
  second.put("A1", source_of_scan("c"));
  second.flush();
  EXPECT_EQ(EmbeddedSources(dir.path(), "test", false).before("A1")->path, "/scans/c");
  EXPECT_FALSE(EmbeddedSources(dir.path(), "test", false).before("B1").has_value());
  second.finish();
  EXPECT_EQ(EmbeddedSources(dir.path(), "test", false).before("B1")->path, "/scans/b");
}

TEST(EmbeddedSources, AFileOfOtherColumnsIsRefused) {
  TempDir dir;
  std::filesystem::create_directories(dir / "embeddings");
  write_file_atomic(dir / "embeddings/test.sources.csv", "name,source\n");
  EXPECT_PILLAR_ERROR(EmbeddedSources(dir.path(), "test", false), ErrorCategory::input,
                      HasSubstr("accession,path,source,content"));
}

}  // namespace
}  // namespace pillar
