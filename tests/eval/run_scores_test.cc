#include "pillar/core/file.h"
#include "pillar/eval/compare.h"
#include "pillar/metrics/evaluation.h"
#include "pillar/metrics/prediction_table.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHeader = "accession,question,probability,prediction,true_label\n";

std::filesystem::path run_with(const TempDir& dir, const std::string& rows) {
  const std::filesystem::path run = dir / "my run";
  std::filesystem::create_directories(run);
  write_file_atomic(run / "exam_probabilities.csv", std::string_view(std::string(kHeader) + rows));
  return run;
}

TEST(RunScores, ReadsRowsInAnyOrder) {
  TempDir dir;
  const auto run =
      run_with(dir, "B,\"Fracture, old?\",0.25,0,1\nA,Cyst?,1e-3,0,\nA,\"Fracture, old?\",1,1,0\n");
  write_file_atomic(run / "metrics.json", std::string_view(R"({"kind": "probe", "questions": [
      {"question": "Fracture, old?", "category": "Bones"}, {"question": "Other?", "category": "X"}]})"));
  const RunScores scores = load_run_scores(run / "");
  EXPECT_EQ(scores.name, "my run");
  EXPECT_EQ(scores.kind, "probe");
  EXPECT_THAT(scores.accessions, ElementsAre("B", "A"));
  EXPECT_THAT(scores.questions, ElementsAre("Fracture, old?", "Cyst?"));
  EXPECT_THAT(scores.categories, ElementsAre("Bones", ""));
  ASSERT_EQ(scores.scores_q[0].size(), 2u);
  EXPECT_EQ(scores.scores_q[0][0].score, 0.25);
  EXPECT_EQ(scores.scores_q[0][0].answer, 1);
  EXPECT_EQ(scores.scores_q[0][1].accession, 1u);
  EXPECT_EQ(scores.scores_q[1][0].answer, -1);
}

TEST(RunScores, ReadsThePublicEvaluatorsRuns) {
  PILLAR_NEEDS_GOLDEN("rate");
  const RunScores scores = load_run_scores(test::golden("rate/probe_small/expected"));
  EXPECT_EQ(scores.accessions.size(), 80u);
  EXPECT_EQ(scores.questions.size(), 9u);
  EXPECT_EQ(scores.kind, "");
}

TEST(RunScores, BrokenRowsAreNamedByLine) {
  TempDir dir;
  const auto fails = [&](const std::string& rows, auto message) {
    EXPECT_PILLAR_ERROR(load_run_scores(run_with(dir, rows)), ErrorCategory::input,
                        AllOf(HasSubstr("exam_probabilities.csv"), message));
  };
  fails("A,Q,0.5,1,1\nA,R,nan,1,1\n", HasSubstr(":3: the probability 'nan'"));
  fails("A,Q,inf,1,1\n", HasSubstr(":2: the probability 'inf'"));
  fails("A,Q,0.5x,1,1\n", HasSubstr("'0.5x' is no finite number"));
  fails("A,Q,,1,1\n", HasSubstr("'' is no finite number"));
  fails("A,Q,0.5,1,2\n", HasSubstr(":2: the true_label '2'"));
  fails("A,Q,0.5,1\n", HasSubstr(":2: 4 fields where the header has 5"));
  fails("A,\"Q,0.5,1,1\n", HasSubstr(":2: a quote that is never closed"));
  fails(",Q,0.5,1,1\n", HasSubstr("empty accession or question"));
  fails("A,Q,0.5,1,1\nB,Q,0.5,1,1\nA,Q,0.6,1,1\n",
        HasSubstr("the accession A has two rows for the question 'Q'"));
  fails("", HasSubstr("has no rows"));
}

// Two studies whose probabilities are 1 in float32, and whose logits are not the same.
TEST(RunScores, ScoresOfTheRunComeBeforeItsProbabilities) {
  TempDir dir;
  const auto run = run_with(dir, "A,Q,1,1,1\nB,Q,1,1,0\nA,R,0.5,0,0\n");
  EXPECT_EQ(load_run_scores(run).scores_q[0][0].score, 1);
  write_file_atomic(run / "exam_scores.csv",
                    std::string_view("accession,question,score\nB,Q,20.5\nA,R,-0.25\nA,Q,21\n"));
  const RunScores scores = load_run_scores(run);
  EXPECT_EQ(scores.scores_q[0][0].score, 21);
  EXPECT_EQ(scores.scores_q[0][1].score, 20.5);
  EXPECT_EQ(scores.scores_q[1][0].score, -0.25);
  EXPECT_EQ(scores.scores_q[0][0].answer, 1);
}

TEST(RunScores, ScoresThatAreNotOfTheProbabilities) {
  TempDir dir;
  const auto run = run_with(dir, "A,Q,1,1,1\nB,Q,1,1,0\n");
  const auto fails = [&](const std::string& rows, auto message) {
    const std::string text = "accession,question,score\n" + rows;
    write_file_atomic(run / "exam_scores.csv", std::string_view(text));
    EXPECT_PILLAR_ERROR(load_run_scores(run), ErrorCategory::input,
                        AllOf(HasSubstr("exam_scores.csv"), message));
  };
  fails("A,Q,1\n", HasSubstr("1 scores of 2 probabilities"));
  fails("A,Q,1\nC,Q,2\n", HasSubstr(":3: accession C has no probability for the question 'Q'"));
  fails("A,Q,1\nA,R,2\n", HasSubstr(":3: accession A has no probability for the question 'R'"));
  fails("A,Q,1\nA,Q,2\n", HasSubstr(":3: a second score of accession A"));
  fails("A,Q,1\nB,Q,inf\n", HasSubstr(":3: the score 'inf' is no finite number"));
}

TEST(RunScores, OfAFinetuningAreItsLogits) {
  TempDir dir;
  // Probabilities of a calibration that says the same of everybody.
  PredictionTable table;
  table.accessions = {"A", "B"};
  table.outputs = {"nodule"};
  table.probabilities_no = at::full({2, 1}, 0.5, at::kDouble);
  table.logits_no = at::tensor({-3.0, 4.0}, at::kDouble).view({2, 1});
  table.answers_no = at::tensor({0, 1}, at::kChar).view({2, 1});
  const std::filesystem::path run = dir / "finetuned";
  const Predictions predictions{table.accessions,
                                table.outputs,
                                {""},
                                at::full({1, 2}, 0.5, at::kDouble),
                                table.answers_no.t().contiguous()};
  RunRecord record;
  record.kind = "finetune";
  write_evaluation(run, evaluate(predictions, {}), record, std::nullopt);
  std::filesystem::create_directories(run / "predictions");
  write_prediction_table(run / "predictions" / "test.csv", table);
  const RunScores scores = load_run_scores(run);
  EXPECT_EQ(scores.kind, "finetune");
  EXPECT_THAT(scores.questions, ElementsAre("nodule"));
  EXPECT_EQ(scores.scores_q[0][0].score, -3);
  EXPECT_EQ(scores.scores_q[0][1].score, 4);
  EXPECT_EQ(scores.scores_q[0][1].answer, 1);
}

TEST(RunScores, OfSurvivalAreNoQuestions) {
  TempDir dir;
  write_file_atomic(dir / "metrics.json", std::string_view(R"({"kind": "finetune-survival"})"));
  EXPECT_PILLAR_ERROR(load_run_scores(dir.path()), ErrorCategory::input,
                      HasSubstr("no questions that could be"));
}

TEST(RunScores, AFolderThatIsNoRun) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(load_run_scores(dir.path()), ErrorCategory::io,
                      HasSubstr("no exam_probabilities.csv in it"));
  EXPECT_PILLAR_ERROR(load_run_scores(dir / "none"), ErrorCategory::io, HasSubstr("none: no such folder"));
  const auto run = run_with(dir, "");
  write_file_atomic(run / "exam_probabilities.csv", std::string_view("accession,question,score\nA,Q,1\n"));
  EXPECT_PILLAR_ERROR(load_run_scores(run), ErrorCategory::input, HasSubstr("no column 'probability'"));
}

TEST(RunScores, MetricsThatAreNone) {
  TempDir dir;
  const auto run = run_with(dir, "A,Q,0.5,1,1\n");
  for (const char* text : {"{", "[]", R"({"kind": 3})", R"({"kind": "probe", "questions": [{}]})"}) {
    write_file_atomic(run / "metrics.json", std::string_view(text));
    EXPECT_PILLAR_ERROR(load_run_scores(run), ErrorCategory::input,
                        AllOf(HasSubstr("metrics.json"), HasSubstr("not the metrics of a run")));
  }
}

// As pandas writes a column that has a gap.
TEST(RunScores, LabelsMayBeFloats) {
  const test::TempDir dir;
  write_file_atomic(dir / "exam_probabilities.csv",
                    std::string_view("accession,question,probability,true_label\nA,Q,0.5,1.0\nB,Q,0.4,0.0\n"
                                     "C,Q,0.3,\nD,Q,0.2,nan\n"));
  const RunScores run = load_run_scores(dir.path());
  EXPECT_EQ(run.scores_q.at(0).at(0).answer, 1);
  EXPECT_EQ(run.scores_q.at(0).at(1).answer, 0);
  EXPECT_EQ(run.scores_q.at(0).at(2).answer, -1);
  EXPECT_EQ(run.scores_q.at(0).at(3).answer, -1);
}

}  // namespace
}  // namespace pillar
