#include "pillar/core/file.h"
#include "pillar/eval/compare.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"

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

TEST(RunScores, AFolderThatIsNoRun) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(load_run_scores(dir.path()), ErrorCategory::io,
                      HasSubstr("no exam_probabilities.csv in it"));
  EXPECT_PILLAR_ERROR(load_run_scores(dir / "none"), ErrorCategory::io, HasSubstr("none: no exam"));
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

}  // namespace
}  // namespace pillar
