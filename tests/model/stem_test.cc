#include "pillar/model/weights.h"

#include "model/encoder/streamed_stem.h"
#include "model/encoder/whole_stem.h"
#include "support/atlas_configs.h"
#include "support/kernel_places.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

struct StemCase {
  PatchEmbedKind kind;
  Size3 size_dhw;
  std::int64_t features;
};
// Sizes whose maps end on odd slices among them.
const std::vector<StemCase> kStemCases = {
    {PatchEmbedKind::volume_666, {30, 24, 18}, 16},   {PatchEmbedKind::volume_666, {24, 24, 24}, 24},
    {PatchEmbedKind::volume_884, {24, 16, 16}, 16},   {PatchEmbedKind::generic, {18, 16, 24}, 16},
    {PatchEmbedKind::brain, {20, 16, 16}, 32},        {PatchEmbedKind::breast_mr, {18, 24, 36}, 16},
    {PatchEmbedKind::prostate_mr, {5, 48, 48}, 16},   {PatchEmbedKind::xray, {1, 64, 48}, 16},
    {PatchEmbedKind::xray_two_view, {1, 64, 96}, 16}, {PatchEmbedKind::xray_two_view, {2, 64, 48}, 16}};

struct StemProblem {
  PatchEmbed embed;
  at::Tensor image_bcdhw, expected_dhwc;
};

Size3 patch_size_hwd(PatchEmbedKind kind) {
  if (kind == PatchEmbedKind::volume_884) return {8, 8, 4};  // not what its strides say: docs/formats.md
  const PatchEmbedTable& table = patch_embed_table(kind);
  Size3 dhw = table.ds1.stride_dhw;
  for (const ConvStep& step : table.conv_down) {
    for (int a = 0; a < 3; ++a) dhw[a] *= step.stride_dhw[a];
  }
  return {dhw[1], dhw[2], dhw[0]};
}

// Random weights whose batch statistics are not the identity.
StemProblem stem_problem(const StemCase& c) {
  AtlasConfig config = test::small_config();
  config.dim = 2 * c.features;
  TowerConfig& tower = config.towers[0];
  tower.num_features = c.features;
  tower.patch_embed = c.kind;
  tower.patch_size_hwd = patch_size_hwd(c.kind);
  for (int a = 0; a < 3; ++a) tower.image_size_hwd[a] = 8 * tower.patch_size_hwd[a];
  const std::string prefix = "visual.patch_embeds.abdomen_ct";
  WeightMap weights;
  for (const WeightSpec& spec : expected_weights(config, tower, c.kind)) {
    if (spec.name.compare(0, prefix.size(), prefix) != 0) continue;
    at::Tensor t =
        at::rand(spec.shape, at::detail::createCPUGenerator(std::hash<std::string>()(spec.name)), at::kFloat);
    const bool spread = spec.name.ends_with("running_var") || spec.shape.size() == 1;
    weights[spec.name] = spread ? t + 0.5 : (t - 0.5) * 0.15;
  }
  StemProblem p;
  p.embed = PatchEmbed(Scope(weights, prefix), c.kind);
  p.image_bcdhw = at::rand({1, tower.in_chans, c.size_dhw[0], c.size_dhw[1], c.size_dhw[2]},
                           at::detail::createCPUGenerator(7), at::kFloat);
  p.expected_dhwc = p.embed(p.image_bcdhw, StemPass()).squeeze(0).permute({1, 2, 3, 0});
  return p;
}

at::Tensor run_stem(const StemProblem& p, const StreamedStem& stem, const Size3& size_dhw, int slices) {
  const at::Tensor image = p.image_bcdhw.squeeze(0).permute({1, 2, 3, 0}).contiguous();
  return stem([&](std::int64_t first, std::int64_t last) { return image.narrow(0, first, last - first); },
              size_dhw, slices);
}

TEST(Stem, EqualsThePatchEmbedForEveryKind) {
  const at::NoGradGuard no_gradients;
  for (const StemCase& c : kStemCases) {
    SCOPED_TRACE(to_string(c.kind));
    const StemProblem p = stem_problem(c);
    const at::Tensor tokens = run_stem(p, StreamedStem(p.embed, at::kFloat), c.size_dhw, 0);
    ASSERT_EQ(tokens.sizes(), p.expected_dhwc.sizes());
    const Size3 expected_size = embedded_tokens_dhw(c.kind, c.size_dhw);
    EXPECT_EQ(tokens.sizes().slice(0, 3), at::IntArrayRef(expected_size));
    EXPECT_LE(at::abs(tokens - p.expected_dhwc).max().item<double>(),
              1e-5 * at::abs(p.expected_dhwc).max().item<double>());
  }
}

TEST(Stem, SlabSizeChangesNothing) {
  const at::NoGradGuard no_gradients;
  for (const StemCase& c : kStemCases) {
    SCOPED_TRACE(to_string(c.kind));
    const StemProblem p = stem_problem(c);
    const StreamedStem stem(p.embed, at::kFloat);
    const at::Tensor tokens = run_stem(p, stem, c.size_dhw, 4);
    const double scale = at::abs(tokens).max().item<double>();
    for (const int slices : {1, 2, 6, 1000}) {
      EXPECT_LE(at::abs(run_stem(p, stem, c.size_dhw, slices) - tokens).max().item<double>(), 1e-5 * scale)
          << slices;
    }
    EXPECT_TRUE(at::equal(run_stem(p, stem, c.size_dhw, 4), tokens));
  }
}

TEST(Stem, WholeMapsGiveTheSame) {
  const at::NoGradGuard no_gradients;
  for (const StemCase& c : kStemCases) {
    SCOPED_TRACE(to_string(c.kind));
    const StemProblem p = stem_problem(c);
    const at::Tensor tokens = WholeStem(p.embed, at::kFloat, nullptr)(p.image_bcdhw).squeeze(0);
    ASSERT_EQ(tokens.sizes(), p.expected_dhwc.sizes());
    EXPECT_LE(at::abs(tokens - p.expected_dhwc).max().item<double>(),
              1e-5 * at::abs(p.expected_dhwc).max().item<double>());
  }
}

TEST(Stem, KernelsGiveTheSame) {
  const at::NoGradGuard no_gradients;
  for (const StemCase& c : kStemCases) {
    SCOPED_TRACE(to_string(c.kind));
    const StemProblem p = stem_problem(c);
    const double scale = at::abs(p.expected_dhwc).max().item<double>();
    const at::Tensor exact = WholeStem(p.embed, at::kFloat, &test::kernels_on_cpu())(p.image_bcdhw);
    EXPECT_LE(at::abs(exact.squeeze(0) - p.expected_dhwc).max().item<double>(), 1e-5 * scale);
    const WholeStem half(p.embed, at::kBFloat16, &test::kernels_on_cpu());
    EXPECT_EQ(half.channels() % 16, 0);
    const at::Tensor image =
        at::constant_pad_nd(p.image_bcdhw, {0, 0, 0, 0, 0, 0, 0, half.channels() - p.image_bcdhw.size(1)}, 0);
    const at::Tensor rounded = half(image).squeeze(0);
    EXPECT_LE(at::abs(rounded - p.expected_dhwc).max().item<double>(), 0.05 * scale);
  }
}

TEST(Stem, Bfloat16IsClose) {
  const at::NoGradGuard no_gradients;
  const StemCase c = kStemCases[0];
  const StemProblem p = stem_problem(c);
  const at::Tensor tokens = run_stem(p, StreamedStem(p.embed, at::kBFloat16), c.size_dhw, 0);
  EXPECT_LE(at::abs(tokens - p.expected_dhwc).max().item<double>(),
            0.05 * at::abs(p.expected_dhwc).max().item<double>());
}

}  // namespace
}  // namespace pillar
