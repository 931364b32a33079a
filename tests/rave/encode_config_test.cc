#include "pillar/rave/encode_config.h"

#include "support/expect_error.h"

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

EncodeConfig parse(std::string_view yaml, Notes* notes = nullptr) {
  Notes ignored;
  return parse_encode_config(Config::parse(yaml, "case.yaml"), notes != nullptr ? *notes : ignored);
}

constexpr std::string_view kPublicFile = R"(
modality: CT
anatomy: chest
exporter_config: video_hevc
worker_pool: {count: 8}
processing:
  resampling:
    target_spacing: [1.25, 1.25, 1.25]
  crop_pad:
    size: [512, 512]
  slice_selection:
    enabled: true
    slices: 2048
)";

TEST(EncodeConfig, PublicFileSelectsRave10AndNamesWhatItIgnores) {
  Notes notes;
  const EncodeConfig config = parse(kPublicFile, &notes);
  EXPECT_EQ(config.write.mode, SampleMode::rave10);
  EXPECT_EQ(config.modality, Modality::ct);
  EXPECT_EQ(config.anatomy, "chest");
  EXPECT_EQ(config.preprocess.target_spacing_xyz_mm, (std::array<double, 3>{1.25, 1.25, 1.25}));
  EXPECT_EQ(config.preprocess.crop_pad_hw, (std::array<std::int64_t, 2>{512, 512}));
  EXPECT_EQ(config.preprocess.slices, 2048);
  EXPECT_THAT(notes, ElementsAre(AllOf(HasSubstr("case.yaml:5"), HasSubstr("worker_pool"))));
}

TEST(EncodeConfig, OursIsLosslessByDefault) {
  EXPECT_EQ(parse("modality: MR").write.mode, SampleMode::lossless);
}

TEST(EncodeConfig, DisabledSectionsAreOff) {
  const EncodeConfig config = parse(
      "processing: {slice_selection: {enabled: false, slices: 9}, crop_pad: {enabled: no, size: [4, 4]}}");
  EXPECT_FALSE(config.preprocess.slices);
  EXPECT_FALSE(config.preprocess.crop_pad_hw);
}

TEST(EncodeConfig, MisspeltKeysAreRefusedWithTheNearest) {
  EXPECT_PILLAR_ERROR(parse("processing:\n  resampling: {target_spacng: [1, 1, 1]}"), ErrorCategory::input,
                      AllOf(HasSubstr("case.yaml:2"), HasSubstr("target_spacing")));
  EXPECT_PILLAR_ERROR(parse("exporter_config: video_hevc\nprocesing: {}"), ErrorCategory::input,
                      AllOf(HasSubstr("case.yaml:2"), HasSubstr("processing")));
}

TEST(EncodeConfig, ValuesAreChecked) {
  EXPECT_PILLAR_ERROR(parse("processing: {resampling: {target_spacing: [1, 0, 1]}}"), ErrorCategory::input,
                      HasSubstr("positive"));
  EXPECT_PILLAR_ERROR(parse("processing: {crop_pad: {size: [-4, 4]}}"), ErrorCategory::input,
                      HasSubstr("positive"));
  EXPECT_PILLAR_ERROR(parse("modality: US"), ErrorCategory::input,
                      AllOf(HasSubstr("case.yaml"), HasSubstr("US")));
  EXPECT_PILLAR_ERROR(parse("mode: lossy"), ErrorCategory::input, HasSubstr("lossy"));
  EXPECT_PILLAR_ERROR(parse("video: {crf: 99}"), ErrorCategory::input, HasSubstr("0 to 51"));
  EXPECT_PILLAR_ERROR(parse("exporter_config: zip"), ErrorCategory::input, HasSubstr("video_hevc"));
}

TEST(EncodePreset, AllParseAndAssignmentsChangeThem) {
  for (const std::string& name : encode_preset_names()) {
    Notes notes;
    EXPECT_NO_THROW(parse_encode_config(encode_preset(name), notes)) << name;
    EXPECT_TRUE(notes.empty());
  }
  Config chest = encode_preset("chest-ct");
  chest.set("processing.crop_pad.size=[320, 300]");
  Notes notes;
  EXPECT_EQ(parse_encode_config(chest, notes).preprocess.crop_pad_hw,
            (std::array<std::int64_t, 2>{320, 300}));
}

TEST(EncodePreset, UnknownNameIsAnswered) {
  EXPECT_PILLAR_ERROR(encode_preset("chest-cy"), ErrorCategory::usage, HasSubstr("chest-ct"));
}

}  // namespace
}  // namespace pillar
