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
    return update.apply(0, [] { return "S1, S2"; });
  }
  double value() const { return weight[0].item<double>(); }

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

TEST_F(WeightUpdateTest, ANormThatIsNotFiniteNamesTheStudies) {
  WeightUpdate update(parameters, options, alone);
  EXPECT_PILLAR_ERROR(apply(update, std::numeric_limits<double>::quiet_NaN()), ErrorCategory::input,
                      AllOf(HasSubstr("step 0: the gradients' norm is nan"), HasSubstr("S1, S2")));
  EXPECT_EQ(value(), 1);
}

}  // namespace
}  // namespace pillar
