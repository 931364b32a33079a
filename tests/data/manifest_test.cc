#include "pillar/data/manifest.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Manifest, PathsAreTakenFromTheFolderOfTheCsv) {
  TempDir dir;
  write_file_atomic(dir / "m.csv",
                    "split,sample_name,image_cache_path\ntrain,A1,a/A1.1.0\ntrain,B1,/abs/B1.tar\n");
  const Manifest manifest = load_manifest(dir / "m.csv");
  ASSERT_EQ(manifest.samples.size(), 2u);
  EXPECT_EQ(manifest.samples[0].name, "A1");
  EXPECT_EQ(manifest.samples[0].path, dir / "a/A1.1.0");
  EXPECT_EQ(manifest.samples[1].path, "/abs/B1.tar");
  const std::vector<ScanEntry> entries = scan_entries(manifest);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].name, "B1");
  EXPECT_EQ(entries[1].path, "/abs/B1.tar");
}

TEST(Manifest, JsonLinesChooseAndOrderAndBringReports) {
  TempDir dir;
  write_file_atomic(dir / "m.csv", "sample_name,image_cache_path\nA,a\nB,b\nC,c\n");
  write_file_atomic(dir / "m.jsonl",
                    "{\"sample_name\": \"C\", \"nii_path\": \"c.nii\", \"report_metadata\": \"No "
                    "nodule.\\nNo effusion.\"}\n"
                    "\n"
                    "{\"sample_name\": \"Z\", \"report_metadata\": null}\r\n"
                    "{\"sample_name\": \"A\"}");
  const Manifest manifest = load_manifest(dir / "m.csv", dir / "m.jsonl");
  ASSERT_EQ(manifest.samples.size(), 2u);
  EXPECT_EQ(manifest.samples[0].name, "C");
  EXPECT_EQ(manifest.samples[0].path, dir / "c");
  EXPECT_EQ(manifest.samples[0].report, "No nodule.\nNo effusion.");
  EXPECT_EQ(manifest.samples[1].name, "A");
  EXPECT_EQ(manifest.samples[1].report, "");
  EXPECT_THAT(manifest.missing, ElementsAre("Z"));
}

TEST(Manifest, ARowThatComesAgainCountsOnce) {
  TempDir dir;
  write_file_atomic(dir / "m.csv", "sample_name,image_cache_path\nA,a\nB,b\nA,./a\n");
  EXPECT_EQ(load_manifest(dir / "m.csv").samples.size(), 2u);
}

TEST(Manifest, EveryNameGivenTwiceIsNamed) {
  TempDir dir;
  write_file_atomic(dir / "m.csv", "sample_name,image_cache_path\nA,a\nB,b\nA,c\nB,d\nC,e\n");
  EXPECT_PILLAR_ERROR(load_manifest(dir / "m.csv"), ErrorCategory::input,
                      HasSubstr("m.csv: sample_name given twice: A, B"));
  write_file_atomic(dir / "m.csv", "sample_name,image_cache_path\nA,a\n");
  write_file_atomic(dir / "m.jsonl", "{\"sample_name\":\"A\"}\n{\"sample_name\":\"A\"}\n");
  EXPECT_PILLAR_ERROR(load_manifest(dir / "m.csv", dir / "m.jsonl"), ErrorCategory::input,
                      HasSubstr("m.jsonl: sample_name given twice: A"));
}

TEST(Manifest, FaultyFilesAreRefused) {
  TempDir dir;
  const auto csv = [&](std::string_view text) {
    write_file_atomic(dir / "m.csv", text);
    return dir / "m.csv";
  };
  EXPECT_PILLAR_ERROR(load_manifest(dir / "absent.csv"), ErrorCategory::io, HasSubstr("absent.csv"));
  EXPECT_PILLAR_ERROR(load_manifest(csv("sample_name,path\nA,a\n")), ErrorCategory::input,
                      HasSubstr("image_cache_path"));
  EXPECT_PILLAR_ERROR(load_manifest(csv("sample_name,image_cache_path\n")), ErrorCategory::input,
                      HasSubstr("no samples"));
  EXPECT_PILLAR_ERROR(load_manifest(csv("sample_name,image_cache_path\nA,a\n\"\",b\n")), ErrorCategory::input,
                      AllOf(HasSubstr("row 3"), HasSubstr("sample_name")));
  EXPECT_PILLAR_ERROR(load_manifest(csv("sample_name,image_cache_path\nA,\n")), ErrorCategory::input,
                      AllOf(HasSubstr("row 2"), HasSubstr("image_cache_path")));
}

TEST(Manifest, FaultyJsonLinesAreRefusedWithTheLine) {
  TempDir dir;
  write_file_atomic(dir / "m.csv", "sample_name,image_cache_path\nA,a\n");
  const auto load = [&](std::string_view text) {
    write_file_atomic(dir / "m.jsonl", text);
    return load_manifest(dir / "m.csv", dir / "m.jsonl");
  };
  EXPECT_PILLAR_ERROR(load("{\"sample_name\":\"A\"}\n{\"sample_name\":"), ErrorCategory::input,
                      HasSubstr("m.jsonl:2: no JSON"));
  EXPECT_PILLAR_ERROR(load("[1]\n"), ErrorCategory::input, HasSubstr("m.jsonl:1: no JSON object"));
  EXPECT_PILLAR_ERROR(load("{\"sample_name\":\"\xFF\"}\n"), ErrorCategory::input, HasSubstr("m.jsonl:1"));
  EXPECT_PILLAR_ERROR(load("{\"name\":\"A\"}\n"), ErrorCategory::input, HasSubstr("sample_name is missing"));
  EXPECT_PILLAR_ERROR(load("{\"sample_name\":[7]}\n"), ErrorCategory::input,
                      HasSubstr("sample_name is no text"));
  EXPECT_PILLAR_ERROR(load("{\"sample_name\":\"Q\"}\n"), ErrorCategory::input,
                      HasSubstr("names no sample of"));
  EXPECT_PILLAR_ERROR(load(""), ErrorCategory::input, HasSubstr("names no sample of"));
}

// As pandas writes them: an index column, accessions that were taken for numbers, reports that are missing.
TEST(Manifest, ReadsWhatPandasWrote) {
  TempDir dir;
  write_file_atomic(dir / "m.csv", std::string_view(",sample_name,image_cache_path\n0,17,a\n1,18,b\n"));
  write_file_atomic(dir / "m.jsonl",
                    std::string_view("{\"sample_name\": 18, \"report_metadata\": NaN}\n"
                                     "{\"sample_name\": 17.0, \"report_metadata\": [\"No effusion.\"]}\n"));
  const Manifest manifest = load_manifest(dir / "m.csv", dir / "m.jsonl");
  ASSERT_EQ(manifest.samples.size(), 2u);
  EXPECT_EQ(manifest.samples[0].name, "18");
  EXPECT_EQ(manifest.samples[1].name, "17");
  EXPECT_EQ(manifest.samples[1].report, "");
}

}  // namespace
}  // namespace pillar
