#include "train/finetune/outcome_answers.h"

#include <cmath>

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

at::Tensor answers(std::vector<std::int64_t> values, std::int64_t outputs) {
  return at::tensor(values, at::kLong).to(at::kChar).view({-1, outputs});
}

TEST(OutcomeAnswers, OfLabelsClassesAndYears) {
  const at::Tensor labels = at::tensor({1.0, 0.0, std::nan("")}, at::kFloat).view({1, 3});
  EXPECT_TRUE(at::equal(outcome_answers(OutcomeKind::multilabel, labels, 3), answers({1, 0, -1}, 3)));
  const at::Tensor classes = at::tensor({2, -1}, at::kLong);
  EXPECT_TRUE(
      at::equal(outcome_answers(OutcomeKind::multiclass, classes, 3), answers({0, 0, 1, -1, -1, -1}, 3)));
  // An event in the second year; a follow-up that ends in the second year.
  const at::Tensor years = at::tensor({1, 1, 0, 1}, at::kLong).view({2, 2});
  EXPECT_TRUE(at::equal(outcome_answers(OutcomeKind::survival, years, 3), answers({0, 1, 1, 0, 0, -1}, 3)));
}

}  // namespace
}  // namespace pillar
