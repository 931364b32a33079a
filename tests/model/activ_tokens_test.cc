#include "pillar/model/activ_tokens.h"

#include "model/atlas/patch_embed_table.h"
#include "model/atlas/window_grid.h"
#include "support/atlas_configs.h"
#include "support/expect_error.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/upsample_nearest3d.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

// Which token each voxel of activ is a copy of: numbers of tokens on the way that Stages takes them.
at::Tensor token_numbers(const TowerConfig& tower, PatchEmbedKind kind) {
  const Size3 tokens = embedded_tokens_dhw(kind, tower.size_dhw());
  const ScaleLayout layout = scale_layout(tower, tokens).front();
  const at::Tensor numbers = at::arange(tokens[0] * tokens[1] * tokens[2], at::kFloat);
  const at::Tensor windows = grid_to_windows(numbers.view({1, tokens[0], tokens[1], tokens[2], 1}),
                                             layout.cut_grid, layout.cut_window);
  const at::Tensor grid = windows_to_grid(windows, layout.grid, layout.window).permute({0, 4, 1, 2, 3});
  return at::upsample_nearest3d(grid, configured_tokens_hwd(tower)).squeeze(0).squeeze(0);
}

void expect_every_voxel_finds_its_token(const TowerConfig& tower, PatchEmbedKind kind) {
  const at::Tensor numbers = token_numbers(tower, kind).contiguous();
  const Size3 tokens = embedded_tokens_dhw(kind, tower.size_dhw());
  for (std::int64_t i = 0; i < numbers.numel(); i += 7) {
    at::Tensor weights = at::zeros(numbers.sizes());
    weights.view({-1})[i] = 0.5;
    const at::Tensor found = activ_to_tokens(weights, tower, kind);
    ASSERT_EQ(found.sizes(), at::IntArrayRef(tokens));
    EXPECT_NEAR(found.sum().item<float>(), 0.5, 1e-6);
    const auto number = static_cast<std::int64_t>(numbers.view({-1})[i].item<float>());
    EXPECT_GE(found.view({-1})[number].item<float>(), found.max().item<float>()) << "voxel " << i;
  }
}

TEST(ActivTokens, CubesOfTokensAreTheirOwnMap) {
  const TowerConfig tower = test::small_tower();
  expect_every_voxel_finds_its_token(tower, PatchEmbedKind::volume_666);
  at::Tensor weights = at::zeros({8, 8, 8});
  weights[1][2][3] = 1;
  EXPECT_EQ(activ_to_tokens(weights, tower, PatchEmbedKind::volume_666)[1][2][3].item<float>(), 1);
}

// Chest: the map has half of the planes and twice the columns of the grid that windows are arranged on, which
// is not the one that they were cut from.
TEST(ActivTokens, The884EmbedsWindowsGoBackToWhereTheyWereCutFrom) {
  TowerConfig tower = test::small_tower("chest_ct");
  tower.image_size_hwd = {32, 32, 32};
  tower.patch_size_hwd = {8, 8, 4};
  expect_every_voxel_finds_its_token(tower, PatchEmbedKind::volume_884);
}

TEST(ActivTokens, AnEvenMapIsEvenOverTheTokens) {
  TowerConfig tower = test::small_tower("chest_ct");
  tower.image_size_hwd = {64, 64, 64};
  tower.patch_size_hwd = {8, 8, 4};
  const at::Tensor found = activ_to_tokens(at::ones({8, 8, 16}), tower, PatchEmbedKind::volume_884);
  EXPECT_EQ(found.sizes(), (at::IntArrayRef{8, 8, 16}));
  EXPECT_EQ(found.min().item<float>(), 1);
  EXPECT_EQ(found.max().item<float>(), 1);
}

TEST(ActivTokens, ASizeThatIsNotTheTowersIsRefused) {
  EXPECT_PILLAR_ERROR(
      activ_to_tokens(at::ones({8, 8, 16}), test::small_tower(), PatchEmbedKind::volume_666),
      ErrorCategory::input,
      HasSubstr("weights of (8, 8, 16) for the map of the tower abdomen_ct, which has (8, 8, 8)"));
}

}  // namespace
}  // namespace pillar
