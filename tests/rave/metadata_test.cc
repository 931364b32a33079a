#include "pillar/rave/metadata.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/goldens.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

SampleMetadata example() {
  SampleMetadata metadata;
  metadata.accession = "A1";
  metadata.series_number = 3;
  metadata.modality = Modality::ct;
  metadata.anatomy = "chest";
  metadata.original_spacing_xyz_mm = {0.1, 1.0 / 3.0, 2.5};
  metadata.final_shape = {4, 64, 48};
  metadata.crop_pad_target_hw = {64, 48};
  metadata.mode = SampleMode::rave10;
  metadata.codec = "LIBX265";
  metadata.bit_depth = 10;
  metadata.geometry = Geometry{{1.25, 1.25, 1.5}, {-1, 2, 3.000000001}, {1, 0, 0, 0, 0, 1, 0, -1, 0}};
  metadata.notes.add("slices 3 and 4 lie 2.4 mm apart");
  return metadata;
}

TEST(Metadata, ComesBackAsItWas) {
  const SampleMetadata before = example();
  const SampleMetadata after = parse_metadata(format_metadata(before), "metadata.json");
  EXPECT_EQ(after.accession, before.accession);
  EXPECT_EQ(after.original_spacing_xyz_mm, before.original_spacing_xyz_mm);
  EXPECT_EQ(after.final_shape, before.final_shape);
  EXPECT_EQ(after.crop_pad_target_hw, before.crop_pad_target_hw);
  EXPECT_EQ(after.mode, before.mode);
  EXPECT_EQ(after.geometry, before.geometry);
  EXPECT_EQ(after.notes, before.notes);
  EXPECT_EQ(after.source_directory, "");
}

TEST(Metadata, HasThePublishedKeys) {
  const Json text = Json::parse(format_metadata(example()));
  EXPECT_EQ(text["processing_metadata"]["value_range"], "raw_hounsfield_units");
  EXPECT_EQ(text["processing_metadata"]["slice_count"], 4);
  EXPECT_TRUE(text["series_info"]["series_number"].is_number_integer());
  const Json mapping = {{"min", -1024}, {"max", 3071}, {"output_range", {0, 1023}}};
  EXPECT_EQ(text["export_info"]["hu_mapping"], mapping);
  EXPECT_EQ(text["export_info"]["encoder"], "libx265");
  EXPECT_EQ(text["source_data"]["dicom_directory"], "");
}

TEST(Metadata, LosslessSaysHowToReadItsCodes) {
  SampleMetadata metadata = example();
  metadata.mode = SampleMode::lossless;
  metadata.code_offset = -1024;
  metadata.dtype = "int16";
  const Json text = Json::parse(format_metadata(metadata))["export_info"];
  EXPECT_EQ(text["mode"], "lossless");
  EXPECT_EQ(text["code_offset"], -1024);
  EXPECT_EQ(text["dtype"], "int16");
  const Json mapping = {{"min", -1024}, {"max", 3071}, {"output_range", {0, 4095}}};
  EXPECT_EQ(text["hu_mapping"], mapping) << "codes that count from -1024 are HU to other readers too";
  metadata.code_offset = -3024;
  EXPECT_FALSE(Json::parse(format_metadata(metadata))["export_info"].contains("hu_mapping"));
}

TEST(Metadata, PublishedFileIsKeptKeyByKey) {
  PILLAR_NEEDS_GOLDEN("rave/published_chest/metadata.json");
  const auto file = test::golden("rave/published_chest/metadata.json");
  const std::string original = read_text_file(file);
  SampleMetadata metadata = parse_metadata(original, file);
  EXPECT_EQ(metadata.final_shape, (SizeDhw{254, 384, 384}));
  EXPECT_EQ(metadata.source_slice_count, 159);
  EXPECT_EQ(metadata.crf, 6);
  EXPECT_FALSE(metadata.mode.has_value());
  EXPECT_EQ(Json::parse(format_metadata(metadata)), Json::parse(original));
}

TEST(Metadata, UnknownKeysAreKept) {
  SampleMetadata metadata =
      parse_metadata(R"({"ours": [1, {"x": null}], "export_info": {"site": "B", "crf": 6}})", "m.json");
  metadata.crf = 8;
  const Json text = Json::parse(format_metadata(metadata));
  EXPECT_EQ(text["ours"], Json::parse(R"([1, {"x": null}])"));
  EXPECT_EQ(text["export_info"]["site"], "B");
  EXPECT_EQ(text["export_info"]["crf"], 8);
}

TEST(Metadata, WrongTypesAreNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"export_info": {"bit_depth": "ten"}})", "export_info.bit_depth: expected a number"},
      {R"({"export_info": {"crf": 6.5}})", "export_info.crf: expected a whole number"},
      {R"({"export_info": {"crf": 99999999999}})", "export_info.crf: expected a number of at most 32 bits"},
      {R"({"export_info": {"archived": 1}})", "export_info.archived: expected true or false"},
      {R"({"export_info": {"mode": "jpeg"}})", "export_info.mode: expected rave10 or lossless"},
      {R"({"export_info": {"dtype": "float64"}})", "export_info.dtype: expected int16 or uint16"},
      {R"({"export_info": {"geometry": {"spacing": [1, 1, 0]}}})",
       "export_info.geometry.spacing: expected positive"},
      {R"({"export_info": []})", "export_info: expected an object"},
      {R"({"series_info": {"accession": 5}})", "series_info.accession: expected a string"},
      {R"({"series_info": {"modality": "PT"}})", "series_info.modality: expected CT or MR"},
      {R"({"series_info": {"series_number": 18446744073709551615}})",
       "series_info.series_number: expected a number of"},
      {R"({"processing_metadata": {"final_shape": [1, 2]}})",
       "processing_metadata.final_shape: expected a list of 3"},
      {R"({"processing_metadata": {"final_shape": [1, 2, -3]}})",
       "processing_metadata.final_shape: expected sizes"},
      {R"({"processing_metadata": {"warnings": [1]}})",
       "processing_metadata.warnings: expected a list of strings"},
      {R"([1, 2])", "expected a JSON object"},
      {R"({"series_info": )", "not JSON"},
      {"", "not JSON"},
  };
  for (const auto& [text, fault] : cases) {
    EXPECT_PILLAR_ERROR(parse_metadata(text, "x/metadata.json"), ErrorCategory::input,
                        AllOf(HasSubstr("x/metadata.json: "), HasSubstr(fault)));
  }
}

TEST(Metadata, DeepNestingDoesNoHarm) {
  const std::string deep(200000, '[');
  EXPECT_PILLAR_ERROR(parse_metadata("{\"a\": " + deep, "m.json"), ErrorCategory::input,
                      HasSubstr("not JSON"));
}

TEST(Metadata, OrientationFollowsTheNormal) {
  Geometry geometry;
  EXPECT_EQ(orientation_name(geometry), "AXIAL");
  geometry.direction = {1, 0, 0, 0, 0, -1, 0, 1, 0};
  EXPECT_EQ(orientation_name(geometry), "CORONAL");
  geometry.direction = {0, 0, 1, 1, 0, 0, 0, 1, 0};
  EXPECT_EQ(orientation_name(geometry), "SAGITTAL");
}

TEST(Metadata, ARecordComesBackAndAPublicSampleHasNone) {
  SampleMetadata metadata;
  EXPECT_FALSE(parse_metadata(format_metadata(metadata), "m.json").record.has_value());
  metadata.record = SampleRecord{"A1", {"series 1.2.3", "4 images, sha256 ab"}, {{"mode", "rave10"}}};
  const SampleMetadata back = parse_metadata(format_metadata(metadata), "m.json");
  ASSERT_TRUE(back.record.has_value());
  EXPECT_EQ(back.record->sample_name, "A1");
  EXPECT_EQ(back.record->source.source, "series 1.2.3");
  EXPECT_EQ(back.record->source.content, "4 images, sha256 ab");
  EXPECT_EQ(back.record->settings, metadata.record->settings);
  EXPECT_PILLAR_ERROR(parse_metadata(R"({"identity": {"settings": {"mode": 1}}})", "m.json"),
                      ErrorCategory::input, ::testing::HasSubstr("identity.settings: expected an object"));
}

}  // namespace
}  // namespace pillar
