#include "pillar/model/preprocess_spec.h"

#include "pillar/core/config.h"

#include "support/expect_error.h"

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Spacing = std::array<double, 3>;
constexpr SizeDhw kSize = {128, 64, 96};

PreprocessSpec parse(std::string_view json, const std::string& modality = "chest_ct") {
  return parse_preprocess_spec(Config::parse(json, "config.json"), modality, kSize);
}

TEST(PreprocessSpec, PublicDefaultsByTheNameOfTheTower) {
  EXPECT_EQ(default_preprocess_spec("abdomen_ct", kSize).target_spacing_xyz_mm, (Spacing{1.5, 1.5, 1.5}));
  EXPECT_EQ(default_preprocess_spec("chest_ct", kSize).target_spacing_xyz_mm, (Spacing{1.25, 1.25, 1.25}));
  EXPECT_EQ(default_preprocess_spec("brain_ct", kSize).target_spacing_xyz_mm, (Spacing{0.5, 0.5, 1.25}));
  EXPECT_EQ(default_preprocess_spec("head_ct", kSize).target_spacing_xyz_mm, (Spacing{0.5, 0.5, 1.25}));
  EXPECT_EQ(default_preprocess_spec("breast_mr", kSize).target_spacing_xyz_mm, (Spacing{1, 1, 1}));
  EXPECT_EQ(default_preprocess_spec("prostate_mr", kSize).target_spacing_xyz_mm, std::nullopt);
  const PreprocessSpec xray = default_preprocess_spec("chest_xray_two_view", kSize);
  EXPECT_EQ(xray.family, WindowFamily::xray);
  EXPECT_EQ(xray.intensity, IntensityMap::native);
  EXPECT_EQ(xray.target_spacing_xyz_mm, std::nullopt);
  EXPECT_EQ(default_preprocess_spec("brain_mri", kSize).family, WindowFamily::mr);

  const PreprocessSpec ct = default_preprocess_spec("chest_ct", kSize);
  EXPECT_EQ(ct.size_dhw, kSize);
  EXPECT_EQ(ct.pad_value, -1);
  EXPECT_TRUE(ct.flip_depth);
  EXPECT_EQ(ct.axes, kAxialBodyAxes);
  EXPECT_EQ(xray.axes, std::nullopt);
  EXPECT_EQ(ct.windows, "all");
  EXPECT_EQ(ct.normalisation, "none");
  EXPECT_EQ(ct.intensity, IntensityMap::rave10);
  EXPECT_PILLAR_ERROR(default_preprocess_spec("pet", kSize), ErrorCategory::usage,
                      AllOf(HasSubstr("'pet'"), HasSubstr("preprocess.pet")));
}

TEST(PreprocessSpec, WithoutABlockItSaysSo) {
  EXPECT_EQ(parse("{}").origin, "config.json has no preprocess block: public defaults of chest_ct");
  EXPECT_EQ(parse(R"({"preprocess": {"abdomen_ct": {}}})").origin,
            "config.json has no preprocess block of chest_ct: public defaults of chest_ct");
}

TEST(PreprocessSpec, EveryKeyIsRead) {
  const PreprocessSpec spec = parse(R"({"preprocess": {"chest_ct": {
      "target_spacing_xyz_mm": [0.7, 0.8, 2.5], "size_dhw": [128, 64, 96], "pad_value": -1024.5, "flip_depth": false,
      "axes": "LSA",
      "windows": "lung,bone", "normalisation": "none", "intensity": "native", "family": "mr"}}})");
  EXPECT_EQ(spec.origin, "config.json, chest_ct");
  EXPECT_EQ(spec.target_spacing_xyz_mm, (Spacing{0.7, 0.8, 2.5}));
  EXPECT_EQ(spec.pad_value, -1024.5);
  EXPECT_FALSE(spec.flip_depth);
  EXPECT_EQ(spec.axes, parse_body_axes("LSA"));
  EXPECT_EQ(parse(R"({"preprocess": {"chest_ct": {"axes": "stored"}}})").axes, std::nullopt);
  EXPECT_EQ(spec.windows, "lung,bone");
  EXPECT_EQ(spec.intensity, IntensityMap::native);
  EXPECT_EQ(spec.family, WindowFamily::mr);
}

TEST(PreprocessSpec, KeysLeftOutKeepTheirDefaults) {
  const PreprocessSpec spec = parse(R"({"preprocess": {"chest_ct": {"pad_value": 0}}})");
  EXPECT_EQ(spec.pad_value, 0);
  EXPECT_EQ(spec.target_spacing_xyz_mm, (Spacing{1.25, 1.25, 1.25}));
  EXPECT_TRUE(spec.flip_depth);
  EXPECT_EQ(spec.size_dhw, kSize);
}

TEST(PreprocessSpec, ANameThatSaysNothingNeedsAFamily) {
  EXPECT_EQ(parse(R"({"preprocess": {"pelvis": {"family": "ct"}}})", "pelvis").family, WindowFamily::ct);
  EXPECT_PILLAR_ERROR(parse(R"({"preprocess": {"pelvis": {}}})", "pelvis"), ErrorCategory::input,
                      AllOf(HasSubstr("preprocess.pelvis"), HasSubstr("family")));
}

TEST(PreprocessSpec, FaultyBlocksAreRefusedWithTheKey) {
  const auto refuses = [](const std::string& block, const char* word) {
    const std::string json = fmt::format(R"({{"preprocess": {{"chest_ct": {}}}}})", block);
    EXPECT_PILLAR_ERROR(parse(json), ErrorCategory::input, AllOf(HasSubstr("config.json"), HasSubstr(word)));
  };
  refuses(R"({"flip_deph": true})", "flip_depth");
  refuses(R"({"target_spacing_xyz_mm": [1, 1]})", "target_spacing_xyz_mm");
  refuses(R"({"target_spacing_xyz_mm": [1, 0, 1]})", "positive");
  refuses(R"({"size_dhw": [1, 2, 3]})", "the tower takes 128x64x96");
  refuses(R"({"pad_value": "air"})", "pad_value");
  refuses(R"({"normalisation": "imagenet"})", "only none");
  refuses(R"({"intensity": "hu"})", "unknown intensity 'hu'");
  refuses(R"({"axes": "SPS"})", "preprocess.chest_ct.axes");
  refuses(R"({"axes": "axial"})", "three letters");
  refuses(R"({"family": "pet"})", "ct, mr or xray");
  refuses("[1]", "chest_ct");
  EXPECT_PILLAR_ERROR(parse(R"({"preprocess": 3})"), ErrorCategory::input, HasSubstr("preprocess"));
}

TEST(PreprocessSpec, OneLineSaysItAll) {
  EXPECT_EQ(describe(default_preprocess_spec("chest_ct", kSize)),
            "128x64x96 voxels (D,H,W) of 1.25x1.25x1.25 mm, pad -1, flipped along D, axes SPL, windows "
            "all, intensity rave10");
  PreprocessSpec xray = default_preprocess_spec("xray", kSize);
  xray.flip_depth = false;
  EXPECT_EQ(describe(xray),
            "128x64x96 voxels (D,H,W) of any spacing, pad -1, not flipped, axes as stored, windows all, "
            "intensity native");
}

}  // namespace
}  // namespace pillar
