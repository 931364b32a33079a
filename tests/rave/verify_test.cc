#include "pillar/rave/verify.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fstream>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

void make_sample(const fs::path& target, Archive archive = Archive::none,
                 SampleMode mode = SampleMode::lossless) {
  SampleMetadata metadata;
  metadata.accession = "A1";
  SampleWriteOptions options;
  options.archive = archive;
  options.mode = mode;
  fs::create_directories(target.parent_path());
  write_sample(target, test::smooth_volume(9, 40, 48), metadata, options);
}

TEST(FindSamples, FoldersArchivesAndNestedOnesInOrder) {
  TempDir dir;
  make_sample(dir / "x/b.1.0");
  make_sample(dir / "x/a.1.0.tar", Archive::tar);
  make_sample(dir / "x/y/c.1.0.tar.lz4", Archive::tar_lz4);
  fs::create_directories(dir / "x/.partial-host-1-0-z");
  EXPECT_THAT(find_samples({dir / "x"}),
              ElementsAre(dir / "x/a.1.0.tar", dir / "x/b.1.0", dir / "x/y/c.1.0.tar.lz4"));
}

TEST(FindSamples, EachOnceHoweverLinksLead) {
  TempDir dir;
  make_sample(dir / "x/b.1.0");
  fs::create_directory_symlink("..", dir / "x/up");
  fs::create_directory_symlink("x", dir / "again");
  EXPECT_THAT(find_samples({dir.path()}), SizeIs(1));
}

TEST(FindSamples, AFolderWithoutAnySaysSo) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(find_samples({dir.path()}), ErrorCategory::input, HasSubstr("no samples"));
}

TEST(VerifySample, WholeSamplesPass) {
  TempDir dir;
  for (Archive archive : {Archive::none, Archive::tar, Archive::tar_lz4}) {
    const fs::path target = dir / fmt::format("a{}", sample_suffix(archive));
    make_sample(target, archive);
    const VerifyResult result = verify_sample(target);
    EXPECT_EQ(result.fault, "");
    EXPECT_EQ(result.size_dhw, (SizeDhw{9, 40, 48}));
  }
}

TEST(VerifySample, PublishedChest) {
  PILLAR_NEEDS_GOLDEN("rave/published_chest/volume.mp4");
  EXPECT_EQ(verify_sample(test::golden("rave/published_chest")).fault, "");
}

TEST(VerifySample, FaultsAreNamed) {
  TempDir dir;
  make_sample(dir / "cut");
  const fs::path video = dir / "cut/volume.mp4";
  fs::resize_file(video, fs::file_size(video) / 2);
  EXPECT_THAT(verify_sample(dir / "cut").fault, HasSubstr("volume.mp4"));

  make_sample(dir / "codes");
  fs::remove(dir / "codes/metadata.json");
  EXPECT_THAT(verify_sample(dir / "codes").fault, HasSubstr("without its metadata.json"));

  make_sample(dir / "bare", Archive::none, SampleMode::rave10);
  fs::remove(dir / "bare/metadata.json");
  EXPECT_THAT(verify_sample(dir / "bare").fault, HasSubstr("has no metadata.json"));

  EXPECT_THAT(verify_sample(dir / "missing").fault, HasSubstr("missing"));
}

TEST(Describe, SaysWhatTheSampleIs) {
  TempDir dir;
  make_sample(dir / "a.1.0");
  const SampleInfo info = Sample::open(dir / "a.1.0").info();
  EXPECT_THAT(describe_sample(info), HasSubstr("9 x 40 x 48, int16"));
  const auto json = nlohmann::json::parse(sample_json(info));
  EXPECT_EQ(json["shape_dhw"], (std::vector<int>{9, 40, 48}));
  EXPECT_EQ(json["mode"], "lossless");
  EXPECT_EQ(json["metadata"]["series_info"]["accession"], "A1");
}

}  // namespace
}  // namespace pillar
