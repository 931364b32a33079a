#include "pillar/eval/zero_shot_job.h"

#include "support/expect_error.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

LabelTable labels() {
  LabelTable table;
  table.questions = {"Q1", "Q2", "Q3"};
  table.categories = {"X", "Y", "X"};
  table.rows = {{"A", 0}, {"B", 1}};
  table.answers = {{1, 0, -1}, {0, 1, 1}};
  return table;
}

ZeroShotScores scores(const std::vector<std::string>& questions) {
  ZeroShotScores scores;
  scores.questions = questions;
  std::vector<double> values;
  for (std::size_t i = 0; i < 3 * questions.size(); ++i) values.push_back(static_cast<double>(i) / 16);
  scores.scores_qn = at::tensor(values, at::kDouble).reshape({-1, 3});
  scores.probabilities = true;
  return scores;
}

TEST(LabelledPredictions, QuestionsAreMatchedByNameInThePromptsOrder) {
  const Predictions predictions = labelled_predictions(scores({"Q3", "unasked", "Q1"}), {"A", "B", "C"},
                                                       labels(), {MissingAnswers::drop});
  EXPECT_THAT(predictions.questions, ElementsAre("Q3", "Q1"));
  EXPECT_THAT(predictions.categories, ElementsAre("X", "X"));
  EXPECT_TRUE(predictions.probabilities);
  EXPECT_TRUE(
      at::equal(predictions.answers_qn, at::tensor({-1, 1, -1, 1, 0, -1}, at::kChar).reshape({2, 3})));
  EXPECT_TRUE(at::equal(predictions.scores_qn,
                        at::tensor({0., 1., 2., 6., 7., 8.}, at::kDouble).reshape({2, 3}).div(16)));
  const Predictions as_no = labelled_predictions(scores({"Q3"}), {"A", "B", "C"}, labels(), {});
  EXPECT_TRUE(at::equal(as_no.answers_qn, at::tensor({0, 1, 0}, at::kChar).reshape({1, 3})));
}

TEST(LabelledPredictions, NothingInCommonIsAnError) {
  EXPECT_PILLAR_ERROR(labelled_predictions(scores({"R, \"1\""}), {"A", "B", "C"}, labels(), {}),
                      ErrorCategory::input,
                      AllOf(HasSubstr("none of the 1 questions"), HasSubstr("'R, \"1\"' here, 'Q1' there")));
  EXPECT_PILLAR_ERROR(labelled_predictions(scores({"Q1"}), {"D", "E", "F"}, labels(), {}),
                      ErrorCategory::input, AllOf(HasSubstr("none of the 3 accessions"), HasSubstr("D")));
}

}  // namespace
}  // namespace pillar
