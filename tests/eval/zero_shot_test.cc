#include "pillar/eval/zero_shot.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>

#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The identity in three dimensions, cosines times ten.
JointSpace identity() {
  JointSpace space;
  space.model = "a model";
  space.weights = {{"text.proj.weight", at::eye(3)},
                   {"logit_scale", at::full({}, std::log(10.0), at::kDouble)}};
  space.projection = text_projection(space.weights, "a model");
  return space;
}

EmbeddingSet two_images() {
  return {{"A,1", "B"}, at::tensor({2.f, 0.f, 0.f, 0.f, 3.f, 4.f}).reshape({2, 3})};
}

PromptSet prompts(const std::vector<std::string>& names, const std::vector<float>& vectors) {
  PromptSet set;
  set.source = "bank.pt";
  for (const std::string& name : names) set.prompts.push_back(prompt_named(name));
  set.vectors_pw = at::tensor(vectors, at::kFloat).reshape({static_cast<std::int64_t>(names.size()), -1});
  return set;
}

double score(const ZeroShotScores& scores, int question, int study) {
  return scores.scores_qn[question][study].item<double>();
}

TEST(ZeroShot, APairIsAProbability) {
  // Negative first, and another question between: sides are found by name.
  const ZeroShotScores scores =
      zero_shot_scores(identity(), two_images(),
                       prompts({"Q|negative", "R|positive", "Q|positive", "R|negative"},
                               {0, 5, 0, 0, 0, 1, 7, 0, 0, 1, 0, 0}));
  EXPECT_TRUE(scores.probabilities);
  EXPECT_THAT(scores.questions, ElementsAre("Q", "R"));
  ASSERT_EQ(scores.scores_qn.scalar_type(), at::kDouble);
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  EXPECT_NEAR(score(scores, 0, 0), sigmoid(10 * (1 - 0)), 1e-12);
  EXPECT_NEAR(score(scores, 0, 1), sigmoid(10 * (0 - 0.6)), 1e-12);
  EXPECT_NEAR(score(scores, 1, 0), sigmoid(10 * (0 - 1)), 1e-12);
  EXPECT_NEAR(score(scores, 1, 1), sigmoid(10 * (0.8 - 0)), 1e-12);
}

TEST(ZeroShot, ASinglePromptIsACosine) {
  const ZeroShotScores scores =
      zero_shot_scores(identity(), two_images(), prompts({"b", "a"}, {0, 0, 9, -1, 0, 0}));
  EXPECT_FALSE(scores.probabilities);
  EXPECT_THAT(scores.questions, ElementsAre("b", "a"));
  EXPECT_NEAR(score(scores, 0, 1), 0.8, 1e-12);
  EXPECT_NEAR(score(scores, 1, 0), -1, 1e-12);
  JointSpace no_scale = identity();
  no_scale.weights.erase("logit_scale");
  EXPECT_EQ(zero_shot_scores(no_scale, two_images(), prompts({"b"}, {0, 0, 9})).questions.size(), 1u)
      << "cosines need no logit_scale";
  EXPECT_PILLAR_ERROR(
      zero_shot_scores(no_scale, two_images(), prompts({"b|positive", "b|negative"}, {0, 0, 9, 1, 0, 0})),
      ErrorCategory::input, HasSubstr("no logit_scale"));
}

TEST(ZeroShot, RefusesPromptsThatMakeNoQuestion) {
  const auto refused = [](const std::vector<std::string>& names, const char* fault) {
    EXPECT_PILLAR_ERROR(
        zero_shot_scores(identity(), two_images(), prompts(names, std::vector<float>(names.size() * 3, 1))),
        ErrorCategory::input, AllOf(HasSubstr("bank.pt"), HasSubstr(fault)));
  };
  refused({"Q, 1|positive"}, "'Q, 1' has a positive prompt only");
  refused({"R", "Q|negative"}, "'Q' has a negative prompt only");
  refused({"Q|positive", "Q|negative", "R"}, "'Q' is a pair of prompts, 'R' a single one");
  refused({"Q|positive", "Q|negative", "Q"}, "is a pair of prompts");
  refused({"Q|positive", "Q|negative", "Q|positive"}, "two prompts for the same side of 'Q'");
  EXPECT_PILLAR_ERROR(zero_shot_scores(identity(), two_images(), prompts({"Q"}, {1, 2, 3, 4})),
                      ErrorCategory::input, HasSubstr("bank.pt: vectors of 4 numbers"));
}

TEST(WriteScores, ReadsBackWhateverTheNamesAre) {
  const TempDir dir;
  ZeroShotScores scores;
  scores.questions = {"Is it, \"x\" & <b>y</b>?", "R"};
  scores.scores_qn = at::tensor({0.1, 0.25, 1e-30, 1.0}, at::kDouble).reshape({2, 2});
  scores.probabilities = true;
  write_scores(dir / "scores.csv", {"A,1", "B"}, scores);
  const CsvTable table = read_csv(dir / "scores.csv");
  EXPECT_THAT(table.header, ElementsAre("accession", "question", "score"));
  EXPECT_THAT(
      table.rows,
      ElementsAre(ElementsAre("A,1", "Is it, \"x\" & <b>y</b>?", "0.1"), ElementsAre("A,1", "R", "1e-30"),
                  ElementsAre("B", "Is it, \"x\" & <b>y</b>?", "0.25"), ElementsAre("B", "R", "1")));
  scores.probabilities = false;
  write_scores(dir / "scores.csv", {"A,1", "B"}, scores);
  EXPECT_THAT(read_csv(dir / "scores.csv").header, ElementsAre("accession", "prompt", "score"));
  EXPECT_PILLAR_ERROR(write_scores(dir / "absent" / "scores.csv", {"A,1", "B"}, scores), ErrorCategory::io,
                      HasSubstr("scores.csv"));
}

}  // namespace
}  // namespace pillar
