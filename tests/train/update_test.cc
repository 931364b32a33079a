#include "train/run/update.h"

#include "support/expect_error.h"

#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>

namespace pillar {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// One weight of two numbers, both 1, whose gradients are given.
struct WeightUpdateTest : testing::Test {
  UpdateReport apply(WeightUpdate& update, double gradient) {
    weight.mutable_grad() = at::full({2}, gradient, at::kFloat);
    return update.apply(0, [] { return "S1, S2"; }, at::full({}, loss, at::kFloat),
                        {at::full({1}, 0.25, at::kFloat), at::full({}, 7, at::kDouble)});
  }
  double value() const { return weight[0].item<double>(); }

  double loss = 1.5;
  const World alone;
  at::Tensor weight = at::ones({2}).requires_grad_(true);
  const Parameters parameters = {{"weight", weight}};
  UpdateOptions options = {{0.5, 0, 10}, {}, 0, 0, false, {}};
};

TEST_F(WeightUpdateTest, MovesWeightsAndClearsTheirGradients) {
  WeightUpdate update(parameters, options, alone);
  const UpdateReport report = apply(update, 2);
  EXPECT_NEAR(report.grad_norm, std::sqrt(8.0), 1e-6);
  EXPECT_DOUBLE_EQ(report.lr, 0.5);
  EXPECT_NEAR(value(), 0.5, 1e-6);
  EXPECT_EQ(weight.grad()[0].item<double>(), 0);
  EXPECT_TRUE(update.average().empty());
  EXPECT_EQ(update.gradient_scale(), 1);
}

TEST_F(WeightUpdateTest, ReportsTheStepsNumbers) {
  WeightUpdate update(parameters, options, alone);
  const UpdateReport report = apply(update, 2);
  EXPECT_EQ(report.loss, 1.5);
  EXPECT_THAT(report.numbers, testing::ElementsAre(0.25, 7));
}

// As it is done on a GPU, where nobody looks at the norm in between.
TEST_F(WeightUpdateTest, ClippingByAFactorThatNobodyReadsIsClipping) {
  options.clip_norm = 0.5;
  options.adamw.eps = 10;  // so that a step's length follows the gradient's
  WeightUpdate clipped(parameters, options, alone);
  apply(clipped, 2);
  const double by_norm = value();
  const at::NoGradGuard no_gradients;
  weight.fill_(1);
  options.clip_norm = 0;
  WeightUpdate plain(parameters, options, alone);
  apply(plain, 0.5 / (std::sqrt(8.0) + 1e-6) * 2);
  EXPECT_NEAR(value(), by_norm, 1e-7);
  EXPECT_LT(by_norm, 1);
}

TEST_F(WeightUpdateTest, BoundsWeightsBeforeTheAverageTakesThem) {
  options.average_decay = 0.75;
  options.bound_weights = [this] {
    const at::NoGradGuard no_gradients;
    weight.clamp_(0.8, 1);
  };
  WeightUpdate update(parameters, options, alone);
  apply(update, 2);
  EXPECT_NEAR(value(), 0.8, 1e-6);
  EXPECT_NEAR(update.average()[0].second[0].item<double>(), 0.75 * 1 + 0.25 * 0.8, 1e-6);
}

TEST_F(WeightUpdateTest, AGradientThatOverflowsLeavesTheStepOut) {
  options.scale_loss = true;
  WeightUpdate update(parameters, options, alone);
  const double scale = update.gradient_scale();
  EXPECT_TRUE(apply(update, std::numeric_limits<double>::infinity()).left_out);
  EXPECT_EQ(value(), 1);
  EXPECT_EQ(update.gradient_scale(), scale / 2);
  EXPECT_FALSE(apply(update, 2 * update.gradient_scale()).left_out);
  EXPECT_NEAR(value(), 0.5, 1e-6);
}

TEST_F(WeightUpdateTest, ALossThatIsNotFiniteMovesNothingAndNamesTheStudies) {
  for (const bool scale_loss : {false, true}) {
    options.scale_loss = scale_loss;
    WeightUpdate update(parameters, options, alone);
    loss = std::numeric_limits<double>::infinity();
    EXPECT_PILLAR_ERROR(apply(update, 2), ErrorCategory::input,
                        AllOf(HasSubstr("step 0: the loss is inf"), HasSubstr("S1, S2")));
    EXPECT_EQ(value(), 1);
    EXPECT_EQ(update.optimizer().state()[2].second.item<double>(), 0);  // the count of steps
  }
}

TEST_F(WeightUpdateTest, ANormThatIsNotFiniteNamesTheStudies) {
  options.clip_norm = 1;
  WeightUpdate update(parameters, options, alone);
  EXPECT_PILLAR_ERROR(apply(update, std::numeric_limits<double>::quiet_NaN()), ErrorCategory::input,
                      AllOf(HasSubstr("step 0: the gradients' norm is nan"), HasSubstr("S1, S2")));
  EXPECT_EQ(value(), 1);
}

}  // namespace
}  // namespace pillar
