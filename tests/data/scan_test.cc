#include "pillar/data/scan.h"

#include "pillar/data/model_input.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/encode_job.h"
#include "pillar/rave/sample.h"

#include "support/cases.h"
#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fstream>

#include <ATen/ops/equal.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void make_series(const fs::path& folder, const std::string& accession, std::int64_t slices = 10,
                 std::int64_t number = 1) {
  DicomWriteOptions options;
  options.accession = accession;
  options.series_number = number;
  options.study_uid = "2.25.1" + std::to_string(std::hash<std::string>{}(accession));
  options.uid_seed = fmt::format("{} {}", accession, number);
  write_dicom_series(folder, test::smooth_volume(slices, 48, 64), options);
}

void make_sample(const fs::path& target, SampleMode mode, const std::string& accession = "A1") {
  SampleMetadata metadata;
  metadata.accession = accession;
  SampleWriteOptions options;
  options.mode = mode;
  write_sample(target, test::smooth_volume(10, 48, 64), metadata, options);
}

ScanReadOptions as_it_is() {
  return {};
}

std::vector<std::string> names_of(const std::vector<ScanEntry>& scans, const fs::path& below) {
  std::vector<std::string> names;
  for (const ScanEntry& scan : scans) names.push_back(fs::relative(scan.path, below).string());
  return names;
}

TEST(Scan, ALosslessSampleKnowsItsGeometry) {
  TempDir dir;
  make_sample(dir / "A1.1.0", SampleMode::lossless);
  const OpenedScan opened = open_scan({dir / "A1.1.0", ""}, as_it_is());
  EXPECT_EQ(opened.name, "A1");
  EXPECT_EQ(opened.read_bytes, 10u * 48 * 64 * 2);
  const Scan scan = opened.read();
  EXPECT_EQ(scan.name, "A1");
  EXPECT_FALSE(scan.rave10);
  EXPECT_TRUE(scan.geometry_known);
  EXPECT_EQ(scan.spacing_xyz_mm, test::smooth_volume(1, 1, 1).geometry.spacing_xyz_mm);
  EXPECT_TRUE(test::same_voxels(scan.volume.voxels_dhw, test::smooth_volume(10, 48, 64).voxels_dhw));
}

TEST(Scan, ARave10SampleSaysSoAndANameGivenWins) {
  TempDir dir;
  make_sample(dir / "A1.1.0.tar", SampleMode::rave10);
  const OpenedScan opened = open_scan({dir / "A1.1.0.tar", "given"}, as_it_is());
  EXPECT_EQ(opened.name, "given");
  const Scan scan = opened.read();
  EXPECT_TRUE(scan.rave10);
  EXPECT_EQ(scan.name, "given");
}

TEST(Scan, ALosslessSampleLooksToTheModelAsItsRave10Twin) {
  TempDir dir;
  make_sample(dir / "exact", SampleMode::lossless);
  make_sample(dir / "lossy", SampleMode::rave10);
  const PreprocessSpec spec = default_preprocess_spec("ct", {10, 48, 64});
  Notes notes;
  const auto input_of = [&](const char* name) {
    return model_input(open_scan({dir / name, ""}, as_it_is()).read(), spec, notes)
        .voxels_cdhw.to(at::kFloat);
  };
  const at::Tensor exact = input_of("exact"), lossy = input_of("lossy");
  EXPECT_LT(exact.sub(lossy).abs().mean().item<float>(), 10) << "all but the noise of the video coding";
  EXPECT_GT(exact.sub(test::smooth_volume(10, 48, 64).voxels_dhw.flip({0})).abs().mean().item<float>(), 50)
      << "its scale is not HU";
}

TEST(Scan, ABareVideoHasTheNameOfItsFileAndNoGeometry) {
  TempDir dir;
  make_sample(dir / "A1.1.0", SampleMode::rave10);
  fs::copy_file(dir / "A1.1.0/volume.mp4", dir / "B7.mp4");
  const OpenedScan opened = open_scan({dir / "B7.mp4", ""}, as_it_is());
  EXPECT_EQ(opened.name, "B7");
  const Scan scan = opened.read();
  EXPECT_TRUE(scan.rave10);
  EXPECT_FALSE(scan.geometry_known);
  EXPECT_EQ(scan.spacing_xyz_mm, std::nullopt);
}

TEST(Scan, ThePublishedSampleHasASpacingButNoGeometry) {
  PILLAR_NEEDS_GOLDEN("rave/published_chest");
  const Scan scan = open_scan({test::golden("rave/published_chest"), ""}, as_it_is()).read();
  EXPECT_TRUE(scan.rave10);
  EXPECT_FALSE(scan.geometry_known);
  EXPECT_TRUE(scan.spacing_xyz_mm);
}

TEST(Scan, DicomInMemoryIsTheSampleThatEncodeWouldWrite) {
  TempDir dir;
  make_series(dir / "series", "A1");
  PreprocessSpec spec = default_preprocess_spec("chest_ct", {24, 40, 44});
  spec.target_spacing_xyz_mm = {1.25, 1.25, 1.25};
  ScanReadOptions options;
  options.prepare = prepare_options(spec);

  EncodeJob job;
  job.inputs = {dir / "series"};
  job.output_folder = dir / "samples";
  job.prepare.config.modality = options.prepare.modality;
  job.prepare.config.preprocess = options.prepare.preprocess;
  job.quiet = true;
  ASSERT_EQ(run_encode(job).brief(), "1 written");

  Notes notes;
  const Scan in_memory = open_scan({dir / "series", ""}, options).read();
  const Scan stored = open_scan({dir / "samples/A1.1.0", ""}, options).read();
  EXPECT_EQ(in_memory.name, "A1");
  EXPECT_TRUE(at::equal(model_input(in_memory, spec, notes).voxels_cdhw,
                        model_input(stored, spec, notes).voxels_cdhw));
  EXPECT_THAT(notes, IsEmpty());
}

TEST(Scan, ANiftiFileIsNamedByItsNameAndResampled) {
  TempDir dir;
  write_volume_file(dir / "P1.nii.gz", test::smooth_volume(10, 40, 44));
  const PreprocessSpec spec = default_preprocess_spec("abdomen_ct", {16, 24, 24});
  ScanReadOptions options;
  options.prepare = prepare_options(spec);
  const OpenedScan opened = open_scan({dir / "P1.nii.gz", ""}, options);
  EXPECT_EQ(opened.name, "P1");
  const Scan scan = opened.read();
  EXPECT_TRUE(scan.geometry_known);
  EXPECT_EQ(scan.spacing_xyz_mm, (std::array<double, 3>{1.5, 1.5, 1.5}));
  EXPECT_EQ(size_dhw(scan.volume.voxels_dhw), (SizeDhw{16, 24, 24}));
}

TEST(Scan, MrFilesAreScaledWhateverTheirName) {
  TempDir dir;
  write_volume_file(dir / "seg.nii",
                    Volume{test::random_voxels(6, 20, 24, at::kShort, 0, 900), {}, Modality::mr});
  ScanReadOptions options;
  options.prepare = prepare_options(default_preprocess_spec("prostate_mr", {6, 20, 24}));
  const Scan scan = open_scan({dir / "seg.nii", ""}, options).read();
  EXPECT_TRUE(scan.mr_normalised);
  EXPECT_EQ(scan.volume.voxels_dhw.scalar_type(), at::kUInt16);
  EXPECT_EQ(scan.volume.voxels_dhw.to(at::kInt).max().item<int>(), 65535);
}

TEST(Scan, AMaskIsKnownByItsValuesAndIsNoScan) {
  TempDir dir;
  for (const at::ScalarType type : {at::kByte, at::kShort, at::kFloat}) {
    write_volume_file(dir / "labels.nii",
                      Volume{test::random_voxels(6, 20, 24, at::kInt, 0, 5).to(type), {}});
    for (const char* tower : {"prostate_mr", "chest_ct"}) {
      ScanReadOptions options;
      options.prepare = prepare_options(default_preprocess_spec(tower, {6, 20, 24}));
      EXPECT_PILLAR_ERROR(open_scan({dir / "labels.nii", ""}, options).read(), ErrorCategory::input,
                          AllOf(HasSubstr("labels.nii"), HasSubstr("a segmentation mask, no scan")));
    }
  }
}

TEST(Scan, AnMrVolumeUnderAFolderOfSegmentationsIsAScan) {
  PILLAR_NEEDS_CASE("mr_under_a_seg_folder");
  ScanReadOptions options;
  options.prepare = prepare_options(default_preprocess_spec("prostate_mr", {20, 32, 32}));
  const fs::path file = test::scan_case("mr_under_a_seg_folder/miccai_seg_images/t1.nii.gz");
  const Scan scan = open_scan({file, ""}, options).read();
  EXPECT_TRUE(scan.mr_normalised);
  EXPECT_EQ(scan.volume.voxels_dhw.to(at::kInt).max().item<int>(), 65535);
}

TEST(Scan, ACtThatCannotBeInHuIsRefusedAndOneThatIsOffBy1024IsSaid) {
  PILLAR_NEEDS_CASE("ct_zero_to_one");
  PILLAR_NEEDS_CASE("ct_plus_1024");
  ScanReadOptions options;
  options.prepare = prepare_options(default_preprocess_spec("chest_ct", {20, 32, 32}));
  EXPECT_PILLAR_ERROR(
      open_scan({test::scan_case("ct_zero_to_one/in.nii.gz"), ""}, options).read(), ErrorCategory::input,
      AllOf(HasSubstr("in.nii.gz"), HasSubstr("cannot be HU: values from 0.00586081 to 0.421001")));
  EXPECT_TRUE(open_scan({test::scan_case("ct_plus_1024/in.nii.gz"), ""}, options).read().geometry_known);
}

TEST(Scan, ASamplesValuesAreJudgedToo) {
  TempDir dir;
  SampleMetadata metadata;
  metadata.accession = "A1";
  SampleWriteOptions lossless;
  lossless.mode = SampleMode::lossless;
  Volume volume = test::smooth_volume(10, 48, 64);
  volume.voxels_dhw = volume.voxels_dhw.clamp_min(-1024).add(1024).to(at::kShort);
  write_sample(dir / "A1.1.0", volume, metadata, lossless);
  volume.voxels_dhw = volume.voxels_dhw.fill_(0);
  write_sample(dir / "A2.1.0", volume, metadata, lossless);
  EXPECT_PILLAR_ERROR(open_scan({dir / "A2.1.0", ""}, as_it_is()).read(), ErrorCategory::input,
                      AllOf(HasSubstr("A2.1.0"), HasSubstr("the value 0")));
}

TEST(Scan, OfSeveralSeriesTheLongestAndThatIsSaid) {
  TempDir dir;
  make_series(dir / "a", "A1", 5, 1);
  make_series(dir / "b", "A1", 9, 2);
  fs::create_directories(dir / "both");
  for (const char* folder : {"a", "b"}) {
    for (const auto& file : fs::directory_iterator(dir / folder))
      fs::copy_file(file.path(), dir / "both" / fmt::format("{}{}", folder, file.path().filename().string()));
  }
  const OpenedScan opened = open_scan({dir / "both", ""}, as_it_is());
  EXPECT_THAT(opened.notes, ElementsAre(AllOf(HasSubstr("2 series, taken is number 2"),
                                              HasSubstr("9 slices); not number 1: covers less"))));
  EXPECT_EQ(opened.read().volume.voxels_dhw.size(0), 9);
}

TEST(Scan, WhatCannotBeOpenedIsNamed) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(open_scan({dir / "absent", ""}, as_it_is()), ErrorCategory::io,
                      HasSubstr("absent: no such"));
  std::ofstream(dir / "x.tar") << "no archive";
  EXPECT_PILLAR_ERROR(open_scan({dir / "x.tar", ""}, as_it_is()), ErrorCategory::input, HasSubstr("x.tar"));
  std::ofstream(dir / "x.nii") << "short";
  EXPECT_PILLAR_ERROR(open_scan({dir / "x.nii", ""}, as_it_is()).read(), ErrorCategory::input,
                      HasSubstr("x.nii"));
  fs::create_directories(dir / "empty");
  EXPECT_PILLAR_ERROR(open_scan({dir / "empty", ""}, as_it_is()), ErrorCategory::input, HasSubstr("empty"));
  SampleMetadata mask;
  mask.accession = "M1";
  mask.modality = Modality::mr;
  mask.is_mask = true;
  SampleWriteOptions archive;
  archive.archive = Archive::tar_lz4;
  write_sample(dir / "M1.tar.lz4",
               Volume{test::random_voxels(4, 32, 32, at::kUInt16, 0, 3), {}, Modality::mr}, mask, archive);
  EXPECT_PILLAR_ERROR(open_scan({dir / "M1.tar.lz4", ""}, as_it_is()), ErrorCategory::input,
                      HasSubstr("mask"));
}

TEST(Scan, ListsSamplesDicomStudiesAndVolumeFilesEachOnce) {
  TempDir dir;
  fs::create_directories(dir / "samples/deeper");
  make_sample(dir / "samples/B1.1.0", SampleMode::lossless, "B1");
  make_sample(dir / "samples/deeper/A1.1.0", SampleMode::lossless, "A1");
  make_series(dir / "dicom/p1", "P1", 3);
  make_series(dir / "dicom/p2", "P2", 3);
  fs::create_directories(dir / "nifti");
  write_volume_file(dir / "nifti/b.nii", test::smooth_volume(3, 8, 8));
  write_volume_file(dir / "nifti/a.nii.gz", test::smooth_volume(3, 8, 8));
  fs::create_directory_symlink("../samples", dir / "nifti/again");
  fs::create_directory_symlink("..", dir / "samples/deeper/up");
  const auto listed =
      list_scans({dir / "samples", dir / "dicom", dir / "nifti", dir / "absent", dir / "samples/B1.1.0"});
  EXPECT_THAT(names_of(listed, dir.path()),
              ElementsAre("samples/B1.1.0", "samples/deeper/A1.1.0", "dicom/p1", "dicom/p2", "nifti/a.nii.gz",
                          "nifti/b.nii", "absent"));
  EXPECT_THAT(listed.back().fault, HasSubstr("absent: cannot read"));
  EXPECT_PILLAR_ERROR(list_scans({dir / "absent"}), ErrorCategory::io, HasSubstr("absent: no such"));
}

}  // namespace
}  // namespace pillar
