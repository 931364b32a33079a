// Which token each number of a readout is the maximum of.
#include "pillar/core/file.h"
#include "pillar/model/atlas.h"
#include "pillar/model/encoder.h"
#include "pillar/windows/windowed_volume.h"

#include "model/atlas/patch_embed_table.h"
#include "model/atlas/token_maximum.h"
#include "model/atlas/window_grid.h"
#include "support/atlas_configs.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

// One value after the other, as the definition says.
TokenMaximum exhaustive_maximum(const at::Tensor& tokens_bnc) {
  const std::int64_t batch = tokens_bnc.size(0), count = tokens_bnc.size(1), channels = tokens_bnc.size(2);
  TokenMaximum maximum{at::zeros({batch, channels}), at::zeros({batch, channels}, at::kLong)};
  const auto x = tokens_bnc.accessor<float, 3>();
  auto value = maximum.value_bc.accessor<float, 2>();
  auto token = maximum.token_bc.accessor<std::int64_t, 2>();
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t c = 0; c < channels; ++c) {
      value[b][c] = x[b][0][c];
      for (std::int64_t t = 1; t < count; ++t) {
        if (!(x[b][t][c] > value[b][c])) continue;
        value[b][c] = x[b][t][c];
        token[b][c] = t;
      }
    }
  }
  return maximum;
}

TEST(TokenMaximum, IsTheFirstOfEqualTokensHoweverManyTasksLook) {
  for (const std::int64_t count : {1, 7, 4096, 4097, 13000}) {
    // Few whole numbers, so that there are many ties.
    const at::Tensor tokens =
        at::randint(-3, 4, {2, count, 5}, at::detail::createCPUGenerator(3), at::kFloat);
    const TokenMaximum expected = exhaustive_maximum(tokens), found = token_maximum(tokens);
    EXPECT_TRUE(at::equal(found.value_bc, expected.value_bc)) << count;
    EXPECT_TRUE(at::equal(found.token_bc, expected.token_bc)) << count;
    // The way that a GPU takes.
    const TokenMaximum by_library = token_maximum(tokens.to(at::kDouble));
    EXPECT_TRUE(at::equal(by_library.token_bc, expected.token_bc)) << count;
  }
}

TEST(TokenMaximum, ANanIsNotHidden) {
  at::Tensor tokens = at::zeros({1, 9000, 2});
  tokens[0][5000][1] = std::nan("");
  tokens[0][8999][1] = 7;
  const TokenMaximum found = token_maximum(tokens);
  EXPECT_TRUE(std::isnan(found.value_bc[0][1].item<float>()));
  EXPECT_EQ(found.token_bc[0][1].item<std::int64_t>(), 5000);
}

class TokenPlaces : public ::testing::Test {
 protected:
  void SetUp() override { write_checkpoint(dir / "model", format_atlas_config(config), weights); }
  Encoder load() const {
    EncoderOptions options;
    options.dtype = "fp32";
    options.device = "cpu";
    return Encoder::load(dir / "model", options);
  }

  test::TempDir dir;
  AtlasConfig config = test::small_config();
  WeightMap weights = random_weights(config, 21);
  std::vector<Window> windows = parse_windows("lung,bone", WindowFamily::ct);
  at::Tensor voxels =
      at::randint(-1000, 1500, {2, 1, 48, 48, 48}, at::detail::createCPUGenerator(8), at::kShort);
};

TEST_F(TokenPlaces, ScalesNest) {
  const std::vector<TokenScale> scales = load().token_scales();
  const std::vector<TokenScale> expected = {
      {{8, 8, 8}, {1, 1, 1}}, {{4, 4, 4}, {2, 2, 2}}, {{2, 2, 2}, {4, 4, 4}}};
  EXPECT_EQ(scales, expected);
}

TEST_F(TokenPlaces, AreThoseOfAnExhaustiveSearch) {
  const at::NoGradGuard no_gradients;
  const Encoder encoder = load();
  const ReadoutPlaces found = encoder.readout_with_places(voxels, windows);
  EXPECT_TRUE(at::equal(found.readout_bn, encoder.readout(voxels, windows)));

  AtlasPass pass;
  std::vector<at::Tensor> grids;  // (B, tokens along d h w, dim) of each scale
  const std::vector<TokenScale> scales = encoder.token_scales();
  pass.observe = [&](const AtlasPlace& place, const at::Tensor& tokens) {
    if (place.stage < 0 || place.scale != place.stage) return;
    const Size3 windows_dhw = divided(scales[static_cast<std::size_t>(place.stage)].tokens_dhw, {2, 2, 2});
    grids.push_back(windows_to_grid(tokens, windows_dhw, {2, 2, 2}).flatten(1, 3).contiguous().clone());
  };
  const at::Tensor image = WindowedVolume(voxels, windows).all_bcdhw(at::kFloat);
  Atlas(config, "", weights, "random").forward(image, pass);
  ASSERT_EQ(grids.size(), 3u);
  for (std::int64_t s = 0; s < 3; ++s) {
    const TokenMaximum expected = exhaustive_maximum(grids[static_cast<std::size_t>(s)]);
    EXPECT_TRUE(at::equal(found.places_bn.narrow(1, 32 * s, 32), expected.token_bc)) << "scale " << s;
  }
}

TEST_F(TokenPlaces, ProductsOfTokensAreTheReadoutWhereMaximaStand) {
  const Encoder encoder = load();
  const at::Tensor readout = encoder.readout(voxels, windows);
  const at::Tensor one_channel = at::zeros({1, 96});
  one_channel[0][40] = 2;  // a channel of the middle scale
  const std::vector<at::Tensor> products = encoder.token_products(voxels, windows, one_channel);
  ASSERT_EQ(products.size(), 3u);
  EXPECT_EQ(products[1].sizes(), (at::IntArrayRef{2, 1, 4, 4, 4}));
  EXPECT_TRUE(at::allclose(products[1].flatten(1).amax(1), 2 * readout.select(1, 40), 1e-5, 1e-5));
  EXPECT_EQ(products[0].abs().max().item<float>(), 0);
  EXPECT_PILLAR_ERROR(encoder.token_products(voxels, windows, at::zeros({1, 95})), ErrorCategory::input,
                      HasSubstr("96"));
}

TEST(TokenScales, FollowTheGridsOfTheTower) {
  AtlasConfig config = test::small_config();
  TowerConfig tower = test::small_tower();
  tower.image_size_hwd = {96, 96, 96};
  tower.merge_ratio_dhw = {4, 4, 4};
  tower.local2global_dhw = {2, 2, 2};
  config.stages = {1, 1};
  const std::vector<TokenScale> scales = token_scales(config, tower, PatchEmbedKind::volume_666);
  const std::vector<TokenScale> expected = {{{16, 16, 16}, {1, 1, 1}}, {{8, 8, 8}, {2, 2, 2}}};
  EXPECT_EQ(scales, expected);
}

TEST(TokenScales, ViewsOneBehindTheOtherAreRefused) {
  TowerConfig tower;
  tower.modality = "chest_xray";
  tower.image_size_hwd = {256, 256, 2};
  tower.patch_size_hwd = {16, 16, 1};
  tower.merge_ratio_dhw = {1, 8, 8};
  tower.local2global_dhw = {1, 4, 4};
  EXPECT_PILLAR_ERROR(token_scales(test::small_config(), tower, PatchEmbedKind::xray_two_view),
                      ErrorCategory::unsupported, HasSubstr("views"));
}

}  // namespace
}  // namespace pillar
