// Pictures beside a run, and the page that shows them.
#include "pillar-eval/sample_pictures.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/rave/sample.h"

#include "support/expect_error.h"
#include "support/program.h"
#include "support/sample_metrics.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

fs::path make_sample(const fs::path& folder, const std::string& accession, std::uint32_t seed) {
  SampleMetadata metadata;
  metadata.accession = accession;
  fs::create_directories(folder);
  const fs::path sample = folder / sample_name(metadata);
  Volume volume = test::smooth_volume(34, 36, 40, seed);
  volume.geometry.spacing_xyz_mm = {2, 2, 2};
  write_sample(sample, volume, metadata, {});
  return sample;
}

TEST(SamplePictures, ViewPagesOfTheFirstThatHaveAScan) {
  const TempDir dir;
  make_sample(dir / "samples", "S/1", 1);
  make_sample(dir / "samples", "S2", 2);
  make_sample(dir / "samples", "S3", 3);
  const SampleFinder finder(dir / "samples");
  EXPECT_EQ(write_view_pages(finder, {"S/1", "nowhere", "S/1", "S2", "S3"}, dir / "run", 2), 2);
  EXPECT_THAT(read_text_file(dir / "run/view/S%2F1.html"),
              AllOf(HasSubstr("<title>S/1</title>"), HasSubstr("40 × 36 × 34 voxels"),
                    HasSubstr("data-unit=\"HU\"")));
  EXPECT_TRUE(fs::exists(dir / "run/view/S2.html"));
  EXPECT_FALSE(fs::exists(dir / "run/view/S3.html"));
}

TEST(SamplePictures, ThumbnailsByAManifest) {
  const TempDir dir;
  const std::string name = make_sample(dir / "samples", "S1", 1).filename().string();
  write_csv(dir / "all.csv", {{"sample_name", "image_cache_path"},
                              {{"study one", fmt::format("samples/{}", name)}, {"gone", "samples/gone"}}});
  const SampleFinder finder(dir / "all.csv");
  ASSERT_NE(finder.find("study one"), nullptr) << "by the manifest's name";
  EXPECT_EQ(finder.find("S1"), nullptr);
  EXPECT_EQ(write_thumbnails(finder, {"study one", "unknown"}, dir / "run"), 1);
  const std::string png = read_text_file(dir / "run/thumbnails/study one.png");
  EXPECT_THAT(png, HasSubstr("PNG"));
  EXPECT_EQ(png.substr(16, 8), std::string("\0\0\0\xA0\0\0\0\x90", 8))
      << "160 x 144 pixels, as 40 x 36 voxels";
  EXPECT_EQ(write_thumbnails(finder, {"gone"}, dir / "run"), 0);
  write_file_atomic(dir / "file", "in the way");
  EXPECT_PILLAR_ERROR(write_thumbnails(finder, {"study one"}, dir / "file"), ErrorCategory::io,
                      HasSubstr("file/thumbnails"));
}

TEST(SamplePictures, ABrokenScanIsLeftOut) {
  const TempDir dir;
  make_sample(dir / "samples", "S1", 1);
  fs::create_directories(dir / "samples/broken.1.0");
  write_file_atomic(dir / "samples/broken.1.0/volume.mp4", "no video");
  const SampleFinder finder(dir / "samples");
  EXPECT_NE(finder.find("S1"), nullptr);
  EXPECT_EQ(finder.find("broken"), nullptr);
}

TEST(SamplePictures, WithoutAnyScanThereIsNothingToFind) {
  const TempDir dir;
  EXPECT_PILLAR_ERROR(SampleFinder(dir / "nowhere"), ErrorCategory::io, HasSubstr("nowhere"));
  fs::create_directories(dir / "empty");
  EXPECT_PILLAR_ERROR(SampleFinder(dir / "empty"), ErrorCategory::input, HasSubstr("empty"));
}

TEST(PillarEvalReport, WritesThePageOfARun) {
  const TempDir dir;
  test::write_run(dir / "run", test::probe_metrics(4, 20));
  make_sample(dir / "samples", "S0001", 1);
  EXPECT_EQ(write_view_pages(SampleFinder(dir / "samples"), {"S0001"}, dir / "run", 10), 1);
  const auto result = test::run_program({"pillar-eval", "report", (dir / "run").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(read_text_file(dir / "run/report.html"), HasSubstr("<a href=\"view/S0001.html\">S0001</a>"));
  const auto elsewhere = test::run_program(
      {"pillar-eval", "report", (dir / "run").string(), "--out", (dir / "a page.html").string()});
  ASSERT_EQ(elsewhere.exit_code, 0) << elsewhere.err;
  EXPECT_THAT(read_text_file(dir / "a page.html"), HasSubstr("<a href=\"run/view/S0001.html\">S0001</a>"));
}

TEST(PillarEvalReport, SaysWhatIsWrong) {
  const TempDir dir;
  const auto missing = test::run_program({"pillar-eval", "report", (dir / "nowhere").string()});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, AllOf(HasSubstr("error: "), HasSubstr("nowhere/metrics.json")));
  EXPECT_EQ(test::run_program({"pillar-eval", "report"}).exit_code, 2);
}

}  // namespace
}  // namespace pillar
