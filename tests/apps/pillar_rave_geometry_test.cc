// `pillar-rave encode` where slices, axes or values are not as a volume has them.
#include "pillar/core/file.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/sample.h"

#include "support/cases.h"
#include "support/program.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <cmath>

#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::run_program;
using test::TempDir;
using ::testing::HasSubstr;

// The one sample in a folder.
fs::path only_sample_in(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".csv" && extension != ".yaml" && extension != ".json") return entry.path();
  }
  return {};
}

test::ProgramResult encode_into(const fs::path& out, const fs::path& input,
                                const std::vector<std::string>& flags) {
  std::vector<std::string> words = {"pillar-rave", "encode", input.string(), "--out", out.string()};
  words.insert(words.end(), flags.begin(), flags.end());
  return run_program(words);
}

TEST(PillarRaveGeometry, UnevenSlicesAreEncodedFromWhereTheyLie) {
  PILLAR_NEEDS_CASE("head_4mm_then_8mm");
  TempDir dir;
  const fs::path input = test::scan_case("head_4mm_then_8mm/in");
  ASSERT_EQ(encode_into(dir / "out", input, {"--preset", "head-ct"}).exit_code, 0);
  const Sample sample = Sample::open(only_sample_in(dir / "out"));
  EXPECT_THAT(sample.info().metadata->slice_positions_mm, ::testing::SizeIs(11));
  EXPECT_EQ(sample.info().metadata->source_slice_count, 11);
  const Volume volume = sample.read({}, 1);
  EXPECT_EQ(volume.geometry.origin_xyz_mm[2], 50);
  EXPECT_GE(50 + 1.25 * static_cast<double>(volume.voxels_dhw.size(0)), 114);
  EXPECT_EQ(encode_into(dir / "failing", input, {"--gaps", "fail"}).exit_code, 3);
}

TEST(PillarRaveGeometry, ThePolicyOfAGantryTiltDecides) {
  PILLAR_NEEDS_CASE("tilt_15");
  TempDir dir;
  const fs::path input = test::scan_case("tilt_15/in");
  EXPECT_EQ(encode_into(dir / "refused", input, {"--gantry-tilt", "refuse"}).exit_code, 3);
  ASSERT_EQ(encode_into(dir / "kept", input, {"--gantry-tilt", "keep"}).exit_code, 0);
  ASSERT_EQ(encode_into(dir / "corrected", input, {}).exit_code, 0);
  const Sample corrected = Sample::open(only_sample_in(dir / "corrected"));
  EXPECT_NEAR(*corrected.info().metadata->gantry_tilt_corrected_deg, 15, 0.01);
  EXPECT_NEAR(corrected.info().metadata->geometry->direction[4], 1, 1e-5);
  const Sample kept = Sample::open(only_sample_in(dir / "kept"));
  EXPECT_FALSE(kept.info().metadata->gantry_tilt_corrected_deg.has_value());
  EXPECT_NEAR(kept.info().metadata->geometry->direction[4], std::cos(15 * 3.14159265 / 180), 1e-5);
}

TEST(PillarRaveGeometry, NanIsRefusedOrAir) {
  TempDir dir;
  std::string text = "NRRD0005\ntype: float\ndimension: 3\nsizes: 32 32 4\nencoding: raw\nendian: little\n\n";
  for (int i = 0; i < 32 * 32 * 4; ++i) {
    const float value = i % 100 == 0 ? std::nanf("") : static_cast<float>(i % 1200 - 1000);
    text.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  write_file_atomic(dir / "a.nrrd", std::string_view(text));
  const auto refused = encode_into(dir / "refused", dir / "a.nrrd", {});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(read_text_file(dir / "refused/failures.csv"), HasSubstr("41 voxels are NaN"));
  ASSERT_EQ(encode_into(dir / "air", dir / "a.nrrd", {"--nan", "air"}).exit_code, 0);
  const at::Tensor voxels = Sample::open(only_sample_in(dir / "air")).read({}, 1).voxels_dhw;
  EXPECT_EQ(voxels[0][0][0].item<int>(), -1024);
  EXPECT_EQ(voxels[0][0][1].item<int>(), -999);
}

TEST(PillarRaveGeometry, ALabelMapIsKnownByItsValuesOrTheFlag) {
  PILLAR_NEEDS_CASE("mr_under_a_seg_folder");
  TempDir dir;
  const fs::path scan = test::scan_case("mr_under_a_seg_folder/miccai_seg_images/t1.nii.gz");
  ASSERT_EQ(encode_into(dir / "scan", scan, {"--set", "modality=MR"}).exit_code, 0);
  EXPECT_FALSE(Sample::open(only_sample_in(dir / "scan")).info().metadata->is_mask);
  ASSERT_EQ(encode_into(dir / "mask", scan, {"--set", "modality=MR", "--mask"}).exit_code, 0);
  EXPECT_TRUE(Sample::open(only_sample_in(dir / "mask")).info().metadata->is_mask);
  EXPECT_EQ(encode_into(dir / "both", scan, {"--mask", "--no-mask"}).exit_code, 2);
}

// The libraries below write to the terminal what they find wrong, past every log, unless they are kept from
// it.
TEST(PillarRaveGeometry, OfADamagedFileOnlyTheLogSpeaks) {
  TempDir dir;
  const Volume volume = test::smooth_volume(6, 16, 20);
  fs::create_directories(dir / "whole");
  fs::create_directories(dir / "in");
  for (const char* name : {"a.mha", "b.nrrd", "c.nii"}) {
    write_volume_file(dir / "whole" / name, volume);
    const std::string whole = read_text_file(dir / "whole" / name);
    for (const std::size_t begin : {std::size_t{20}, std::size_t{60}, std::size_t{120}, std::size_t{300}}) {
      std::string damaged = whole;
      for (std::size_t i = begin; i < begin + 24; i += 3) damaged[i] = static_cast<char>(damaged[i] ^ 0x41);
      write_file_atomic(dir / fmt::format("in/{}_{}", begin, name), std::string_view(damaged));
    }
    write_file_atomic(dir / fmt::format("in/cut_{}", name),
                      std::string_view(whole).substr(0, whole.size() / 2));
  }
  const auto silent = encode_into(dir / "out", dir / "in", {"--quiet", "--log-level", "off"});
  EXPECT_EQ(silent.exit_code, 3);
  EXPECT_EQ(silent.err, "");
  EXPECT_EQ(silent.out, "");
}

}  // namespace
}  // namespace pillar
