#include "pillar/eval/evidence.h"

#include "support/expect_error.h"
#include "support/volumes.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kWide = 500;  // channels of each scale

const std::vector<TokenScale> kTwoScales = {{{8, 8, 8}, {1, 1, 1}}, {{2, 2, 2}, {4, 4, 4}}};

// 16^3 voxels of the input around 16 x 12 x 10 of the scan, its slices turned round.
Placement padded_placement() {
  Placement placement;
  placement.volume = placement.source = {test::axis_aligned({2, 2, 2}, {-10, 5, 30}), {16, 12, 10}};
  placement.fits = {fit_axis(16, 16), fit_axis(12, 16), fit_axis(10, 16)};
  placement.size_dhw = {16, 16, 16};
  placement.flipped = placement.in_patient = true;
  return placement;
}

at::Tensor drawn(at::IntArrayRef size, std::uint64_t seed) {
  return at::randn(size, at::detail::createCPUGenerator(seed), at::kFloat);
}

StudyEvidence drawn_study(std::uint64_t seed) {
  const auto places = [&](const TokenScale& scale) {
    return at::randint(0, scale.count(), {kWide}, at::detail::createCPUGenerator(seed + 1), at::kLong);
  };
  return {at::cat({places(kTwoScales[0]), places(kTwoScales[1])}), kTwoScales, padded_placement()};
}

double sum_of(const std::vector<at::Tensor>& scales) {
  double sum = 0;
  for (const at::Tensor& scale : scales) sum += scale.sum().item<double>();
  return sum;
}

TEST(Evidence, AddsUpToTheLogitMinusThatOfTheMeanStudy) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const StudyEvidence study = drawn_study(seed);
    const at::Tensor embedding = drawn({2 * kWide}, seed + 10), mean = drawn({2 * kWide}, seed + 20);
    const ProbedQuestion question{drawn({2 * kWide}, seed + 30), -0.75, mean};
    const TokenEvidence evidence = token_evidence(study, embedding, question);
    const double logit = (question.weight_n.to(at::kDouble) * embedding).sum().item<double>() - 0.75;
    const double of_mean = (question.weight_n.to(at::kDouble) * mean).sum().item<double>() - 0.75;
    EXPECT_NEAR(evidence.logit, logit, 1e-9);
    EXPECT_NEAR(sum_of(evidence.of_scale_dhw), logit - of_mean, 1e-5 * std::abs(logit - of_mean));
  }
}

TEST(Evidence, StandardisedColumnsFoldIntoTheWeights) {
  const StudyEvidence study = drawn_study(3);
  const at::Tensor embedding = drawn({2 * kWide}, 1), mean = drawn({2 * kWide}, 2),
                   scale = drawn({2 * kWide}, 3).abs() + 0.1f, of_standardised = drawn({2 * kWide}, 4);
  // What a probe on (x - mean) / scale says of x, as it is saved.
  const at::Tensor weight = of_standardised / scale;
  const double bias = 0.5 - at::dot(weight.to(at::kDouble), mean.to(at::kDouble)).item<double>();
  const TokenEvidence evidence = token_evidence(study, embedding, {weight, bias, mean});
  const double logit =
      at::dot(of_standardised.to(at::kDouble), ((embedding - mean) / scale).to(at::kDouble)).item<double>() +
      0.5;
  EXPECT_NEAR(evidence.logit, logit, 1e-4 * std::abs(logit));
  EXPECT_NEAR(evidence.mean_logit, 0.5, 1e-6);
}

TEST(Evidence, TheMapAddsUpToItToo) {
  const StudyEvidence study = drawn_study(7);
  const ProbedQuestion question{drawn({2 * kWide}, 1), 0, drawn({2 * kWide}, 2)};
  const TokenEvidence evidence = token_evidence(study, drawn({2 * kWide}, 3), question);
  double gross = 0;
  for (const at::Tensor& scale : evidence.of_scale_dhw) gross += scale.abs().sum().item<double>();
  // On the model's own voxels, on thin ones, and on voxels so large that few tokens hold a centre.
  const Placement placement = padded_placement();
  for (const double voxel : {2.0, 0.9, 7.0}) {
    Grid grid = placement.source;
    const double factor = 2 / voxel;
    grid.geometry.spacing_xyz_mm = {voxel, voxel, voxel};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      grid.size_dhw[axis] =
          static_cast<std::int64_t>(std::floor(static_cast<double>(grid.size_dhw[axis]) * factor));
      grid.geometry.origin_xyz_mm[axis] += 0.5 * (voxel - 2);
    }
    const TokenVoxels voxels(placement, study.scales, grid);
    const EvidenceMap map = voxels.map(evidence.of_scale_dhw, TokenSpread::evenly);
    EXPECT_EQ(size_dhw(map.map.voxels_dhw), grid.size_dhw);
    EXPECT_NEAR(map.map.voxels_dhw.sum(at::kDouble).item<double>() + map.beside_scan,
                evidence.logit - evidence.mean_logit, 1e-5 * gross)
        << voxel;
    // Scale by scale it is the same map.
    const at::Tensor fine = voxels.map(evidence.of_scale_dhw, TokenSpread::evenly, 0).map.voxels_dhw;
    const at::Tensor coarse = voxels.map(evidence.of_scale_dhw, TokenSpread::evenly, 1).map.voxels_dhw;
    EXPECT_LT((fine + coarse - map.map.voxels_dhw).abs().max().item<double>(), 1e-5 * gross);
  }
}

TEST(Evidence, ATokenLiesWhereItsVoxelsCameFrom) {
  std::vector<at::Tensor> of_scale = {at::zeros({8, 8, 8}, at::kDouble), at::zeros({2, 2, 2}, at::kDouble)};
  of_scale[0][7][3][4] = 8;  // the last slices of the input are the scan's first; two voxels are padding
                             // before H, three before W
  const Placement placement = padded_placement();
  const TokenVoxels voxels(placement, kTwoScales, placement.source);
  const at::Tensor map = voxels.map(of_scale, TokenSpread::evenly).map.voxels_dhw;
  for (std::int64_t d = 0; d < 2; ++d) {
    for (std::int64_t h = 4; h < 6; ++h) {
      for (std::int64_t w = 5; w < 7; ++w) EXPECT_EQ(map[d][h][w].item<float>(), 1);
    }
  }
  EXPECT_EQ(map.sum().item<float>(), 8);
  EXPECT_EQ(voxels.tokens_at({1, 5, 6}), (std::vector<std::int64_t>{(7 * 8 + 3) * 8 + 4, 5}));
}

TEST(Evidence, WhatLiesOnPaddingIsSaidAndATokenHalfOnItKeepsAll) {
  std::vector<at::Tensor> of_scale = {at::zeros({8, 8, 8}, at::kDouble), at::zeros({2, 2, 2}, at::kDouble)};
  of_scale[0][0][0][4] = 3;  // rows 0 and 1 of the input are padding
  of_scale[0][0][4][1] = 6;  // columns 2 and 3, of which 3 is the scan's first
  const Placement placement = padded_placement();
  const TokenVoxels voxels(placement, kTwoScales, placement.source);
  const EvidenceMap map = voxels.map(of_scale, TokenSpread::evenly);
  EXPECT_EQ(map.beside_scan, 3);
  EXPECT_FLOAT_EQ(map.map.voxels_dhw.sum().item<float>(), 6);
  EXPECT_FLOAT_EQ(map.map.voxels_dhw.max().item<float>(), 1.5f);
}

TEST(Evidence, DenseMapsSayWhatEachTokenWouldAlone) {
  const StudyEvidence study = drawn_study(1);
  const at::Tensor embedding = drawn({2 * kWide}, 3);
  const ProbedQuestion question{at::ones({2 * kWide}), 0, at::full({2 * kWide}, 0.5)};
  const std::vector<at::Tensor> products = {at::full({8, 8, 8}, 300.0f), at::full({2, 2, 2}, 100.0f)};
  const TokenEvidence dense = dense_evidence(study, embedding, question, products);
  EXPECT_NEAR(dense.of_scale_dhw[0][3][3][3].item<double>(), 300 - 250, 1e-9);
  const Placement placement = padded_placement();
  const TokenVoxels voxels(placement, kTwoScales, placement.source);
  const at::Tensor map = voxels.map(dense.of_scale_dhw, TokenSpread::whole).map.voxels_dhw;
  EXPECT_NEAR(map[0][0][0].item<float>(), 50 - 150, 1e-3);
  EXPECT_PILLAR_ERROR(dense_evidence(study, embedding, question, {products[0]}), ErrorCategory::input,
                      HasSubstr("1 scales"));
}

TEST(Evidence, VectorsOfOtherLengthsAreRefused) {
  const StudyEvidence study = drawn_study(1);
  const ProbedQuestion question{at::ones({2 * kWide}), 0, at::ones({2 * kWide})};
  EXPECT_PILLAR_ERROR(token_evidence(study, at::ones({kWide}), question), ErrorCategory::input,
                      HasSubstr("500"));
}

TEST(StrongestPlaces, AreTheMiddlesOfTheHighestTokens) {
  Volume map;
  map.geometry = test::axis_aligned({2, 2, 2}, {100, 0, 0});
  map.voxels_dhw = at::zeros({9, 9, 9});
  map.voxels_dhw.narrow(0, 1, 3).narrow(1, 1, 3).narrow(2, 1, 3).fill_(2);
  map.voxels_dhw.narrow(0, 4, 1).narrow(1, 1, 3).narrow(2, 1, 3).fill_(1);  // touches it
  map.voxels_dhw[8][8][8] = 0.5;
  map.voxels_dhw[0][8][8] = -9;
  const at::Tensor hu = at::full({9, 9, 9}, -50, at::kShort);
  hu[2][2][2] = 40;
  const std::vector<StrongPlace> places = strongest_places(map, hu, 5, 0);
  ASSERT_EQ(places.size(), 3u);
  EXPECT_EQ(places[0].voxel_dhw, (std::array<std::int64_t, 3>{2, 2, 2}));
  EXPECT_EQ(places[0].point_xyz_mm, (PatientXyz{104, 4, 4}));
  EXPECT_EQ(places[0].evidence, 54);
  EXPECT_EQ(places[0].value, 40);
  EXPECT_NEAR(places[0].mean_value, -50 + 90.0 / 27, 1e-9);
  // What touches the first is no place of its own 5 mm apart from it.
  EXPECT_EQ(strongest_places(map, hu, 5, 5).size(), 2u);
  EXPECT_EQ(strongest_places(map, hu, 1, 0).size(), 1u);
  map.voxels_dhw.fill_(-1);
  EXPECT_TRUE(strongest_places(map, {}, 5, 0).empty());
}

}  // namespace
}  // namespace pillar
