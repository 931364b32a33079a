#include "pillar/train/losses.h"

#include "support/expect_error.h"

#include <cmath>
#include <functional>
#include <limits>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
using LossOf = std::function<at::Tensor(const at::Tensor& logits)>;

at::Tensor drawn(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed));
}

at::Tensor gradient_of(const LossOf& loss, const at::Tensor& logits) {
  const at::Tensor leaf = logits.clone().requires_grad_(true);
  return torch::autograd::grad({loss(leaf)}, {leaf}).front();
}

// Against differences of the loss on both sides of each number.
void expect_gradient(const LossOf& loss, const at::Tensor& logits) {
  constexpr double kStep = 1e-2;
  const at::Tensor gradient = gradient_of(loss, logits).flatten();
  for (std::int64_t i = 0; i < logits.numel(); ++i) {
    at::Tensor above = logits.clone(), below = logits.clone();
    above.view({-1})[i] += kStep;
    below.view({-1})[i] -= kStep;
    const double slope = (loss(above).item<double>() - loss(below).item<double>()) / (2 * kStep);
    EXPECT_NEAR(gradient[i].item<double>(), slope, 1e-4) << i;
  }
}

void expect_zero_with_gradient(const LossOf& loss, const at::Tensor& logits) {
  EXPECT_EQ(loss(logits).item<double>(), 0);
  EXPECT_TRUE(gradient_of(loss, logits).equal(at::zeros(logits.sizes())));
}

TEST(SurvivalLoss, IsTheMeanOverTheKnownYearsOfTheBatch) {
  const at::Tensor logits = at::tensor({-1.0, 0.0, 2.0, 0.5}).view({2, 2}).to(at::kFloat);
  const at::Tensor event = at::tensor({0.0, 1.0, 1.0, 1.0}).view({2, 2});
  const at::Tensor known = at::tensor({1.0, 1.0, 1.0, 0.0}).view({2, 2});
  const double expected = (std::log1p(std::exp(-1.0)) + std::log(2.0) + std::log1p(std::exp(-2.0))) / 3;
  EXPECT_NEAR(survival_loss(logits, event, known).item<double>(), expected, 1e-6);
  expect_gradient([&](const at::Tensor& x) { return survival_loss(x, event, known); }, logits);
  expect_zero_with_gradient(
      [&](const at::Tensor& x) {
        return survival_loss(x, event, at::zeros({2, 2}));
      },
      logits);
}

TEST(SurvivalLoss, BadTargetsAreAnError) {
  const at::Tensor logits = at::zeros({2, 3}), ones = at::ones({2, 3});
  EXPECT_PILLAR_ERROR(survival_loss(logits, at::ones({2, 4}), ones), ErrorCategory::input,
                      testing::HasSubstr("2, 4"));
  EXPECT_PILLAR_ERROR(survival_loss(logits, ones * 2, ones), ErrorCategory::input,
                      testing::HasSubstr("outside [0, 1]"));
  EXPECT_PILLAR_ERROR(survival_loss(logits, ones, ones * kUnknown), ErrorCategory::input,
                      testing::HasSubstr("outside [0, 1]"));
  EXPECT_PILLAR_ERROR(survival_loss(at::zeros({3}), ones, ones), ErrorCategory::input,
                      testing::HasSubstr("logits"));
  EXPECT_TRUE(std::isnan(survival_loss(logits * kUnknown, ones, ones).item<double>()));
}

TEST(MultilabelLoss, LeavesOutWhatIsUnknownAndWeighsTheRest) {
  const at::Tensor logits = at::tensor({1.0, -2.0, 0.5, 3.0}).view({2, 2}).to(at::kFloat);
  const at::Tensor targets = at::tensor({1.0, 0.0, kUnknown, 1.0}).view({2, 2});
  const double terms[] = {std::log1p(std::exp(-1.0)), std::log1p(std::exp(-2.0)), std::log1p(std::exp(-3.0))};
  EXPECT_NEAR(multilabel_loss(logits, targets).item<double>(), (terms[0] + terms[1] + terms[2]) / 3, 1e-6);
  LabelWeights weights;
  weights.positive_l = at::tensor({5.0, 3.0});
  weights.label_l = at::tensor({2.0, 1.0});
  const LossOf weighted = [&](const at::Tensor& x) { return multilabel_loss(x, targets, weights); };
  EXPECT_NEAR(weighted(logits).item<double>(), (2 * 5 * terms[0] + terms[1] + 3 * terms[2]) / 4, 1e-5);
  expect_gradient(weighted, logits);
  expect_zero_with_gradient(
      [](const at::Tensor& x) {
        return multilabel_loss(x, at::full({2, 2}, kUnknown));
      },
      logits);
}

TEST(MultilabelLoss, BadTargetsAreAnError) {
  const at::Tensor logits = at::zeros({2, 2});
  EXPECT_PILLAR_ERROR(multilabel_loss(logits, at::full({2, 2}, 1.5)), ErrorCategory::input,
                      testing::HasSubstr("[0, 1]"));
  EXPECT_PILLAR_ERROR(multilabel_loss(logits, at::zeros({2, 3})), ErrorCategory::input,
                      testing::HasSubstr("2, 3"));
}

TEST(MultilabelFocalLoss, IsTheCrossEntropyWithoutGamma) {
  const at::Tensor logits = drawn({4, 3}, 1), targets = (drawn({4, 3}, 2) > 0).to(at::kFloat);
  EXPECT_NEAR(multilabel_focal_loss(logits, targets, {0}).item<double>(),
              multilabel_loss(logits, targets).item<double>(), 1e-6);
  // One label: (1 - p)^2 * alpha * -log p.
  const double p = 1 / (1 + std::exp(-0.7));
  const at::Tensor one = at::full({1, 1}, 0.7);
  EXPECT_NEAR(multilabel_focal_loss(one, at::ones({1, 1}), {2, 0.25}).item<double>(),
              0.25 * (1 - p) * (1 - p) * -std::log(p), 1e-6);
  EXPECT_NEAR(multilabel_focal_loss(one, at::zeros({1, 1}), {2, 0.25}).item<double>(),
              0.75 * p * p * -std::log(1 - p), 1e-6);
  for (const double gamma : {0.5, 2.0}) {
    expect_gradient(
        [&](const at::Tensor& x) {
          return multilabel_focal_loss(x, targets, {gamma, 0.25});
        },
        logits);
  }
  const at::Tensor sure = at::full({1, 1}, 200.0);
  EXPECT_EQ(gradient_of(
                [](const at::Tensor& x) {
                  return multilabel_focal_loss(x, at::ones({1, 1}), {0.5});
                },
                sure)
                .item<double>(),
            0);
}

TEST(MulticlassLoss, WeighsByTheWeightOfTheTrueClass) {
  const at::Tensor logits = drawn({4, 3}, 3), classes = at::tensor({2, -1, 0, 1});
  const at::Tensor weights = at::tensor({1.0, 2.0, 4.0});
  const at::Tensor log_p = at::log_softmax(logits, 1).to(at::kDouble);
  const double expected =
      -(4 * log_p[0][2].item<double>() + log_p[2][0].item<double>() + 2 * log_p[3][1].item<double>()) / 7;
  EXPECT_NEAR(multiclass_loss(logits, classes, weights).item<double>(), expected, 1e-6);
  expect_gradient([&](const at::Tensor& x) { return multiclass_loss(x, classes, weights); }, logits);
  expect_gradient([&](const at::Tensor& x) { return multiclass_focal_loss(x, classes, {2}, weights); },
                  logits);
  EXPECT_NEAR(multiclass_focal_loss(logits, classes, {0}, weights).item<double>(), expected, 1e-6);
  expect_zero_with_gradient([](const at::Tensor& x) { return multiclass_loss(x, at::full({4}, -1)); },
                            logits);
}

TEST(MulticlassLoss, ClassesThatAreNotThereAreAnError) {
  for (const std::int64_t wrong : {-2, 3}) {
    EXPECT_PILLAR_ERROR(multiclass_loss(at::zeros({1, 3}), at::full({1}, wrong)), ErrorCategory::input,
                        testing::HasSubstr("class"));
  }
  EXPECT_PILLAR_ERROR(multiclass_loss(at::zeros({1, 3}), at::zeros({2}, at::kLong)), ErrorCategory::input,
                      testing::HasSubstr("classes"));
}

at::Tensor mask_with_one_voxel() {
  at::Tensor mask = at::zeros({2, 4, 4, 6});
  mask[0][1][2][5] = 1;
  return mask;
}

TEST(RegionAnnotations, ShareTheAreaOfEachSlice) {
  at::Tensor mask = mask_with_one_voxel();
  mask[0][1][2][4] = 1;
  const RegionAnnotations found = region_annotations(mask, at::zeros({2, 3}));
  EXPECT_TRUE(found.has_annotation_b.equal(at::tensor({1, 0}).to(at::kBool)));
  EXPECT_FLOAT_EQ(found.image_annotations_b1dhw[0][0][1][2][4].item<float>(), 0.5F);
  EXPECT_FLOAT_EQ(found.annotation_areas_bd[0][1].item<float>(), 2.0F / 24);
  EXPECT_EQ(found.image_annotations_b1dhw[1].sum().item<double>(), 0);
  EXPECT_PILLAR_ERROR(region_annotations(mask[0], at::zeros({2, 3})), ErrorCategory::input,
                      testing::HasSubstr("masks"));
  EXPECT_PILLAR_ERROR(region_annotations(mask, at::zeros({2, 2})), ErrorCategory::input,
                      testing::HasSubstr("lateralit"));
}

// A pool of two planes of 2 x 2 positions, from its scores.
PoolOutput small_pool(const at::Tensor& scores_b24, const at::Tensor& planes_b2) {
  PoolOutput pool;
  pool.image_attention_1 = at::log_softmax(scores_b24, -1);
  pool.volume_attention_1 = at::log_softmax(planes_b2, -1);
  pool.volume_attention_2 = at::log_softmax(planes_b2 * 0.5, -1);
  return pool;
}

TEST(SybilRegionLoss, HasNothingToSayWithoutAnnotationAndSide) {
  const at::Tensor planes = drawn({2, 2}, 5);
  const RegionAnnotations none = region_annotations(at::zeros({2, 4, 4, 6}), at::zeros({2, 3}));
  expect_zero_with_gradient(
      [&](const at::Tensor& x) {
        return sybil_region_loss(small_pool(x, planes), {2, 2, 2}, none).total;
      },
      drawn({2, 2, 4}, 4));
}

TEST(SybilRegionLoss, FallsWhereAttentionIsOnTheAnnotation) {
  const RegionAnnotations annotations =
      region_annotations(mask_with_one_voxel(), at::tensor({0, 1, 0, 0, 0, 0}).view({2, 3}));
  at::Tensor scores = at::zeros({2, 2, 4}), planes = at::zeros({2, 2});
  const auto loss = [&] { return sybil_region_loss(small_pool(scores, planes), {2, 2, 2}, annotations); };
  const double even = loss().total.item<double>();
  scores[0][0][3] = 5;  // first plane, below, on the right
  planes[0][0] = 5;
  const LossWithTerms found = loss();
  EXPECT_LT(found.total.item<double>(), even);
  ASSERT_EQ(found.terms.size(), 5u);
  EXPECT_EQ(found.terms[1].first, "image_side_attention_loss_1");
  expect_gradient(
      [&](const at::Tensor& x) {
        return sybil_region_loss(small_pool(x, planes), {2, 2, 2}, annotations, {0.5, 2}).total;
      },
      drawn({2, 2, 4}, 6));
}

TEST(SybilRegionLoss, ShapesThatDoNotFitAreAnError) {
  const PoolOutput pool = small_pool(drawn({2, 2, 4}, 4), drawn({2, 2}, 5));
  const RegionAnnotations two = region_annotations(mask_with_one_voxel(), at::zeros({2, 3}));
  const RegionAnnotations one = region_annotations(mask_with_one_voxel().narrow(0, 0, 1), at::zeros({1, 3}));
  EXPECT_PILLAR_ERROR(sybil_region_loss(pool, {2, 2, 3}, two), ErrorCategory::input,
                      testing::HasSubstr("2, 2, 3"));
  EXPECT_PILLAR_ERROR(sybil_region_loss(pool, {2, 2, 2}, one), ErrorCategory::input,
                      testing::HasSubstr("annotations"));
}

TEST(RegionAnnotationLoss, FallsWithTheAttentionInside) {
  const RegionAnnotations annotations = region_annotations(mask_with_one_voxel(), at::zeros({2, 3}));
  const LossOf loss = [&](const at::Tensor& scores) {
    return region_annotation_loss(at::softmax(scores.flatten(1), 1).view(scores.sizes()), annotations);
  };
  const at::Tensor even = at::zeros({2, 1, 4, 4, 6});
  at::Tensor inside = even.clone();
  inside[0][0][1][2][5] = 4;
  EXPECT_NEAR(loss(even).item<double>(), std::log(96.0), 1e-5);
  EXPECT_LT(loss(inside).item<double>(), loss(even).item<double>());
  expect_gradient(loss, even);
  const RegionAnnotations none = region_annotations(at::zeros({2, 4, 4, 6}), at::zeros({2, 3}));
  EXPECT_EQ(region_annotation_loss(at::full({2, 1, 4, 4, 6}, 1.0 / 96), none).item<double>(), 0);
}

}  // namespace
}  // namespace pillar
