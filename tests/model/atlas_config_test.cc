#include "pillar/model/atlas_config.h"

#include "pillar/core/config.h"

#include "model/atlas/patch_embed_table.h"
#include "model/atlas/scale_layout.h"
#include "support/atlas_configs.h"
#include "support/expect_error.h"

#include <gtest/gtest.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Config good() {
  return Config::parse(format_atlas_config(test::small_config()), "config.json");
}

AtlasConfig with(const std::string& assignment) {
  Config config = good();
  config.set(assignment);
  return parse_atlas_config(config);
}

TEST(AtlasConfig, WhatIsWrittenIsRead) {
  const AtlasConfig config = parse_atlas_config(good());
  EXPECT_EQ(format_atlas_config(config), format_atlas_config(test::small_config()));
  EXPECT_EQ(config.stages, (std::vector<std::int64_t>{1, 1, 2}));
  EXPECT_EQ(config.tower("").modality, "abdomen_ct");
  EXPECT_EQ(with("modalities.abdomen_ct.patch_embed=volume_666").towers[0].patch_embed,
            PatchEmbedKind::volume_666);
}

TEST(AtlasConfig, EachFaultNamesItsKeyAndWhatWouldWork) {
  EXPECT_PILLAR_ERROR(with("model.atlas_args.num_heads=null"), ErrorCategory::input,
                      AllOf(HasSubstr("num_heads"), HasSubstr("missing")));
  EXPECT_PILLAR_ERROR(with("model.atlas_args.num_heads=5"), ErrorCategory::input,
                      AllOf(HasSubstr("num_heads"), HasSubstr("1, 2, 4, 8, 16 would work")));
  EXPECT_PILLAR_ERROR(with("model.atlas_args.drop_path=1"), ErrorCategory::input, HasSubstr("drop_path"));
  EXPECT_PILLAR_ERROR(with("model.stages=[]"), ErrorCategory::input, HasSubstr("model.stages"));
  EXPECT_PILLAR_ERROR(with("modalities.abdomen_ct.image_size=[50,48,48]"), ErrorCategory::input,
                      AllOf(HasSubstr("image_size"), HasSubstr("50 along H"), HasSubstr("48 or 54")));
  EXPECT_PILLAR_ERROR(with("modalities.abdomen_ct.num_features=15"), ErrorCategory::input,
                      AllOf(HasSubstr("num_features"), HasSubstr("half")));
  EXPECT_PILLAR_ERROR(with("modalities.abdomen_ct.merge_ratio=[3,2,2]"), ErrorCategory::input,
                      AllOf(HasSubstr("merge_ratio 3"), HasSubstr("8 tokens along D")));
  EXPECT_PILLAR_ERROR(with("modalities.abdomen_ct.merge_ratio=[8,8,8]"), ErrorCategory::input,
                      AllOf(HasSubstr("1 scale for the 3 stages"), HasSubstr("would work")));
  EXPECT_PILLAR_ERROR(with("modalities.abdomen_ct.local2global=[4,4,4]"), ErrorCategory::input,
                      AllOf(HasSubstr("merge_ratio"), HasSubstr("local2global 4")));
  EXPECT_PILLAR_ERROR(with("modalities.abdomen_ct.image_size=[0,48,48]"), ErrorCategory::input,
                      HasSubstr("image_size"));
  EXPECT_PILLAR_ERROR(with("modalities.abdomen_ct.in_chans=100000000"), ErrorCategory::input,
                      HasSubstr("in_chans"));
  EXPECT_PILLAR_ERROR(with("modalities.abdomen_ct.patch_embed=volume_667"), ErrorCategory::input,
                      AllOf(HasSubstr("patch_embed"), HasSubstr("did you mean 'volume_666'")));
  EXPECT_PILLAR_ERROR(parse_atlas_config(Config::parse("{}", "empty.json")), ErrorCategory::input,
                      HasSubstr("empty.json"));
}

TEST(ScaleLayout, FullSizeAbdomen) {
  TowerConfig tower = test::small_tower();
  tower.image_size_hwd = {384, 384, 384};
  tower.merge_ratio_dhw = {8, 8, 8};
  tower.local2global_dhw = {4, 4, 4};
  const auto scales = scale_layout(tower, embedded_tokens_dhw(PatchEmbedKind::volume_666, tower.size_dhw()));
  ASSERT_EQ(scales.size(), 3u);
  EXPECT_EQ(scales[0].windows(), 512);
  EXPECT_EQ(scales[1].windows(), 8);
  EXPECT_EQ(scales[2].windows(), 1);
  EXPECT_EQ(scales[2].window_tokens(), 64);
}

TEST(ScaleLayout, The884EmbedIsCutByTheTensorAndArrangedByTheConfiguration) {
  TowerConfig tower = test::small_tower("chest_ct");
  tower.image_size_hwd = {32, 32, 32};
  tower.patch_size_hwd = {8, 8, 4};
  const auto scales = scale_layout(tower, embedded_tokens_dhw(PatchEmbedKind::volume_884, tower.size_dhw()));
  ASSERT_EQ(scales.size(), 3u);
  EXPECT_EQ(scales[0].cut_grid, (Size3{2, 2, 4}));
  EXPECT_EQ(scales[0].grid, (Size3{4, 2, 2}));
  EXPECT_EQ(scales[2].cut_window, (Size3{1, 1, 2}));
  EXPECT_EQ(scales[2].window, (Size3{2, 1, 1}));
}

TEST(PatchEmbedTable, TokensOfEveryKind) {
  const auto tokens = [](PatchEmbedKind kind, const Size3& size) { return embedded_tokens_dhw(kind, size); };
  EXPECT_EQ(tokens(PatchEmbedKind::volume_666, {384, 384, 384}), (Size3{64, 64, 64}));
  EXPECT_EQ(tokens(PatchEmbedKind::volume_884, {256, 256, 256}), (Size3{32, 32, 64}));
  EXPECT_EQ(tokens(PatchEmbedKind::generic, {192, 256, 256}), (Size3{32, 32, 32}));
  EXPECT_EQ(tokens(PatchEmbedKind::brain, {128, 256, 256}), (Size3{32, 32, 32}));
  EXPECT_EQ(tokens(PatchEmbedKind::breast_mr, {192, 384, 384}), (Size3{32, 32, 32}));
  EXPECT_EQ(tokens(PatchEmbedKind::prostate_mr, {32, 384, 384}), (Size3{32, 16, 16}));
  EXPECT_EQ(tokens(PatchEmbedKind::xray, {1, 1024, 512}), (Size3{1, 64, 32}));
  EXPECT_EQ(tokens(PatchEmbedKind::xray_two_view, {1, 512, 1024}), (Size3{1, 32, 64}));
  EXPECT_EQ(parse_patch_embed_kind("xray_two_view"), PatchEmbedKind::xray_two_view);
}

}  // namespace
}  // namespace pillar
