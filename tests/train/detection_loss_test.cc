#include "pillar/train/detection_loss.h"

#include "support/expect_error.h"
#include "train/finetune/assignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

double cost_of(const std::vector<double>& costs, const std::vector<std::int64_t>& columns_of_rows,
               std::int64_t columns) {
  double sum = 0;
  for (std::size_t row = 0; row < columns_of_rows.size(); ++row)
    sum += costs[row * static_cast<std::size_t>(columns) + static_cast<std::size_t>(columns_of_rows[row])];
  return sum;
}

// Over all orders of the columns.
double least_cost(const std::vector<double>& costs, std::int64_t rows, std::int64_t columns) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(columns));
  std::iota(order.begin(), order.end(), 0);
  double least = std::numeric_limits<double>::infinity();
  do {
    least = std::min(least, cost_of(costs, {order.begin(), order.begin() + rows}, columns));
  } while (std::next_permutation(order.begin(), order.end()));
  return least;
}

TEST(Assignment, CostsNoMoreThanAnyOther) {
  std::mt19937 draws(7);
  for (int round = 0; round < 200; ++round) {
    const auto columns = static_cast<std::int64_t>(1 + draws() % 6);
    const auto rows = static_cast<std::int64_t>(1 + draws() % static_cast<unsigned>(columns));
    std::vector<double> costs(static_cast<std::size_t>(rows * columns));
    // Few values, some below 0: many ties.
    for (double& cost : costs) cost = static_cast<double>(draws() % 7) - 3;
    std::vector<std::int64_t> found = assign_columns(costs, rows, columns);
    EXPECT_DOUBLE_EQ(cost_of(costs, found, columns), least_cost(costs, rows, columns));
    std::sort(found.begin(), found.end());
    EXPECT_EQ(std::adjacent_find(found.begin(), found.end()), found.end());
  }
  EXPECT_TRUE(assign_columns({}, 0, 3).empty());
}

TEST(Boxes, OverlapOfTheSameAndOfDistantBoxes) {
  const at::Tensor boxes =
      at::tensor({0.5, 0.5, 0.5, 0.4, 0.4, 0.4, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2}).view({2, 6}).to(at::kFloat);
  const at::Tensor overlap = generalized_iou(box_corners(boxes), box_corners(boxes));
  EXPECT_NEAR(overlap[0][0].item<double>(), 1, 1e-6);
  // Apart: -(hull - union) / hull.
  EXPECT_NEAR(overlap[0][1].item<double>(), -(0.343 - 0.064 - 0.008) / 0.343, 1e-5);
  const at::Tensor flat = at::tensor({0.5, 0.5, 0.5, 0.0, 0.0, 0.0}).view({1, 6}).to(at::kFloat);
  EXPECT_EQ(generalized_iou(box_corners(flat), box_corners(flat)).item<double>(), 0);
}

TEST(DetectionTargets, AnEmptyMaskHasNone) {
  at::Tensor mask = at::zeros({2, 8, 10, 12});
  mask[1][2][4][1] = 1;
  const DetectionTargets targets = detection_targets(mask);
  EXPECT_FALSE(targets[0].has_value());
  ASSERT_TRUE(targets[1].has_value());
  EXPECT_EQ(targets[1]->labels_n.item<std::int64_t>(), 0);
  EXPECT_TRUE(
      at::allclose(targets[1]->boxes_n6[0], at::tensor({1.0 / 12, 0.4, 0.25, 0.0, 0.0, 0.0}).to(at::kFloat)));
  EXPECT_EQ(box_count(targets), 1);
  EXPECT_PILLAR_ERROR(detection_targets(mask[0]), ErrorCategory::input, testing::HasSubstr("masks"));
}

struct DetectionCase {
  at::Tensor logits, boxes;
  DetectionTargets targets;
  DetectionOutput output() const { return {logits, boxes, {}}; }
};

// Three samples: two boxes, none looked for, no box.
DetectionCase detection_case() {
  DetectionCase c;
  c.logits = at::randn({3, 4, 3}, at::detail::createCPUGenerator(1));
  c.boxes = at::rand({3, 4, 6}, at::detail::createCPUGenerator(2)) * 0.5 + 0.25;
  const at::Tensor wanted = at::rand({2, 6}, at::detail::createCPUGenerator(3)) * 0.5 + 0.25;
  c.targets = {DetectionTarget{at::tensor({1, 0}), wanted}, std::nullopt,
               DetectionTarget{at::zeros({0}, at::kLong), at::zeros({0, 6})}};
  return c;
}

TEST(DetectionLoss, EachBoxHasAQueryOfItsOwn) {
  const DetectionCase c = detection_case();
  const std::vector<DetectionMatch> matches = match_boxes(c.output(), c.targets);
  ASSERT_EQ(matches[0].queries.size(), 2u);
  EXPECT_NE(matches[0].queries[0], matches[0].queries[1]);
  EXPECT_TRUE(matches[1].queries.empty());
  EXPECT_TRUE(matches[2].queries.empty());
}

TEST(DetectionLoss, MoreBoxesThanQueries) {
  DetectionCase c = detection_case();
  c.logits = c.logits.narrow(1, 0, 1);
  c.boxes = c.boxes.narrow(1, 0, 1);
  EXPECT_EQ(match_boxes(c.output(), c.targets)[0].queries, (std::vector<std::int64_t>{0}));
  EXPECT_TRUE(std::isfinite(detection_loss(c.output(), c.targets, 2).total.item<double>()));
}

TEST(DetectionLoss, GradientsAreThoseOfTheLoss) {
  const DetectionCase c = detection_case();
  const at::Tensor logits = c.logits.clone().requires_grad_(true),
                   boxes = c.boxes.clone().requires_grad_(true);
  const auto gradients =
      torch::autograd::grad({detection_loss({logits, boxes, {}}, c.targets, 2).total}, {logits, boxes});
  const auto slope = [&](const at::Tensor& of, std::int64_t i) {
    constexpr double kStep = 1e-3;
    const auto moved = [&](double step) {
      at::Tensor changed = of.clone();
      changed.view({-1})[i] += step;
      const DetectionOutput output{
          of.is_same(c.logits) ? changed : c.logits, of.is_same(c.boxes) ? changed : c.boxes, {}};
      return detection_loss(output, c.targets, 2).total.item<double>();
    };
    return (moved(kStep) - moved(-kStep)) / (2 * kStep);
  };
  for (std::int64_t i = 0; i < c.logits.numel(); ++i)
    EXPECT_NEAR(gradients[0].flatten()[i].item<double>(), slope(c.logits, i), 5e-3) << i;
  for (std::int64_t i = 0; i < 4 * 6; ++i)
    EXPECT_NEAR(gradients[1].flatten()[i].item<double>(), slope(c.boxes, i), 2e-2) << i;
  EXPECT_EQ(gradients[0][1].abs().sum().item<double>(), 0);  // of the sample that nobody has looked at
}

TEST(DetectionLoss, WithoutTargetsIsAZeroWithAGradient) {
  const DetectionCase c = detection_case();
  const at::Tensor logits = c.logits.clone().requires_grad_(true),
                   boxes = c.boxes.clone().requires_grad_(true);
  const at::Tensor loss = detection_loss({logits, boxes, {}}, DetectionTargets(3), 0).total;
  EXPECT_EQ(loss.item<double>(), 0);
  for (const at::Tensor& gradient : torch::autograd::grad({loss}, {logits, boxes}))
    EXPECT_EQ(gradient.abs().sum().item<double>(), 0);
}

TEST(DetectionLoss, BadInputsAreErrors) {
  DetectionCase c = detection_case();
  const auto fails = [&](const char* words) {
    EXPECT_PILLAR_ERROR(detection_loss(c.output(), c.targets, 2), ErrorCategory::input,
                        testing::HasSubstr(words));
    c = detection_case();
  };
  c.targets.pop_back();
  fails("targets");
  c.targets[0]->labels_n = at::tensor({1, 3});
  fails("label");
  c.targets[0]->boxes_n6 = at::full({2, 6}, std::nan(""));
  fails("not finite");
  c.targets[0]->boxes_n6 = at::zeros({3, 6});
  fails("boxes");
  c.logits = at::full({3, 4, 3}, std::nan(""));
  fails("not finite");
  c.boxes = at::zeros({3, 4, 5});
  fails("boxes");
}

}  // namespace
}  // namespace pillar
