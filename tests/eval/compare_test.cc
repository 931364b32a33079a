#include "pillar/eval/compare.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/core/random.h"

#include "support/expect_error.h"
#include "support/program.h"
#include "support/temp_dir.h"

#include <bit>
#include <cmath>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using test::run_program;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kStudies = 120, kComparedQuestions = 5;

double uniform(std::uint64_t number) {
  return unit_interval(hash64(number * 31));
}

// `skill` from 0 to 1: how much a score knows of the answer. The last question is never yes.
RunScores run_of(const std::string& name, double skill, std::uint64_t seed) {
  RunScores run;
  run.name = name;
  run.path = "runs/" + name;
  for (int n = 0; n < kStudies; ++n) run.accessions.push_back(fmt::format("A{:03}", n));
  for (std::uint64_t q = 0; q < kComparedQuestions; ++q) {
    run.questions.push_back(fmt::format("Question {}?", q));
    run.categories.push_back(q < 2 ? "Lungs" : "");
    std::vector<RunScores::Score>& scores = run.scores_q.emplace_back();
    for (std::uint64_t n = 0; n < kStudies; ++n) {
      const bool yes = q + 1 < kComparedQuestions && uniform(q * 1000 + n) < 0.3;
      const double noise = uniform(seed * 100000 + q * 1000 + n);
      scores.push_back({(1 - skill) * noise + (yes ? skill : 0), static_cast<std::uint32_t>(n),
                        static_cast<std::int8_t>(yes ? 1 : 0)});
    }
  }
  return run;
}

BootstrapOptions options(int threads = 1) {
  BootstrapOptions o;
  o.replicates = 200;
  o.threads = threads;
  return o;
}

TEST(Compare, ABetterRunWinsAndAWorseOneLoses) {
  const Comparison c =
      compare_runs({run_of("base", 0.25, 1), run_of("good", 0.6, 2), run_of("bad", 0, 3)}, options(), {});
  EXPECT_EQ(c.num_studies, kStudies);
  EXPECT_EQ(c.num_questions, kComparedQuestions);
  EXPECT_EQ(c.num_evaluated, kComparedQuestions - 1);
  ASSERT_EQ(c.comparisons.size(), 2u);
  EXPECT_EQ(c.comparisons[0].run, "good");
  EXPECT_EQ(c.comparisons[0].wins, 4);
  EXPECT_EQ(c.comparisons[1].losses, 4);
  EXPECT_GT(c.comparisons[0].difference.mean.low, 0);
  EXPECT_LT(c.comparisons[1].difference.mean.high, 0);
  const QuestionComparison& question = c.comparisons[0].questions.at(1);
  EXPECT_EQ(question.category, "Lungs");
  EXPECT_EQ(question.num_positive + question.num_negative, kStudies);
  EXPECT_EQ(question.difference.value, question.auroc - question.baseline_auroc);
  EXPECT_NEAR(c.comparisons[0].difference.mean.value,
              c.runs[1].macro_auroc.value - c.runs[0].macro_auroc.value, 1e-14);
}

TEST(Compare, ARunAgainstItselfIsExactlyATie) {
  RunScores twin = run_of("base", 0.3, 1);
  twin.name = "twin";
  const Comparison c = compare_runs({run_of("base", 0.3, 1), twin}, options(), {});
  EXPECT_EQ(c.comparisons[0].ties, 4);
  EXPECT_EQ(c.comparisons[0].difference.mean.low, 0);
  EXPECT_EQ(c.comparisons[0].difference.mean.high, 0);
  EXPECT_LT(c.runs[0].macro_auroc.low, c.runs[0].macro_auroc.high);
}

// Runs that err alike differ by less than their own intervals would say.
TEST(Compare, DrawsAreTheSameForAllRuns) {
  RunScores nearly = run_of("base", 0.3, 1);
  nearly.name = "nearly";
  for (std::vector<RunScores::Score>& scores : nearly.scores_q)
    for (RunScores::Score& score : scores) score.score += score.answer == 1 ? 0.02 : 0;
  const Comparison c = compare_runs({run_of("base", 0.3, 1), nearly}, options(), {});
  const Interval& own = c.runs[0].macro_auroc;
  const Interval& difference = c.comparisons[0].difference.mean;
  EXPECT_LT(difference.high - difference.low, (own.high - own.low) / 4);
  EXPECT_EQ(c.comparisons[0].wins, 4);
}

TEST(Compare, OnlyWhatAllRunsHaveCounts) {
  RunScores a = run_of("a", 0.3, 1), b = run_of("b", 0.3, 2);
  // b: another order of accessions, one of them under another name, a question less.
  std::reverse(b.accessions.begin(), b.accessions.end());
  for (std::vector<RunScores::Score>& scores : b.scores_q) {
    for (RunScores::Score& score : scores) score.accession = kStudies - 1 - score.accession;
    std::reverse(scores.begin(), scores.end());
  }
  b.accessions.back() = "only here";
  b.questions[3] = "Another?";
  b.scores_q[0].pop_back();  // A000's place in b: out of that question alone
  a.scores_q[1][7].answer = -1;
  const Comparison c = compare_runs({a, b}, options(), {});
  EXPECT_EQ(c.num_studies, kStudies - 1);
  EXPECT_EQ(c.num_questions, kComparedQuestions - 1);
  EXPECT_EQ(c.runs[0].left_out_accessions, 1);
  EXPECT_EQ(c.runs[1].left_out_questions, 1);
  const std::vector<QuestionComparison>& questions = c.comparisons[0].questions;
  ASSERT_EQ(questions.size(), 3u);
  EXPECT_EQ(questions[0].num_positive + questions[0].num_negative, kStudies - 1);
  EXPECT_EQ(questions[1].num_positive + questions[1].num_negative, kStudies - 2);
}

TEST(Compare, ThreadsChangeNoBit) {
  const std::vector<RunScores> runs = {run_of("a", 0.3, 1), run_of("b", 0.35, 2)};
  const Comparison one = compare_runs(runs, options(1), {}), two = compare_runs(runs, options(2), {});
  for (std::size_t q = 0; q < 4; ++q) {
    EXPECT_EQ(one.comparisons[0].questions[q].difference.low, two.comparisons[0].questions[q].difference.low);
    EXPECT_EQ(one.comparisons[0].questions[q].difference.high,
              two.comparisons[0].questions[q].difference.high);
  }
}

TEST(Compare, ByPatient) {
  PatientTable patients;
  for (int n = 0; n < kStudies; ++n)
    patients.patient_of[fmt::format("A{:03}", n)] = fmt::format("P{}", n / 3);
  const std::vector<RunScores> runs = {run_of("a", 0.3, 1), run_of("b", 0.35, 2)};
  const Comparison c = compare_runs(runs, options(), patients);
  EXPECT_EQ(c.unit, "patient");
  EXPECT_EQ(c.num_units, kStudies / 3);
  patients.patient_of.erase("A007");
  EXPECT_PILLAR_ERROR(compare_runs(runs, options(), patients), ErrorCategory::input, HasSubstr("A007"));
}

TEST(Compare, RefusesRunsThatDoNotFit) {
  const RunScores a = run_of("a", 0.3, 1);
  EXPECT_PILLAR_ERROR(compare_runs({a}, options(), {}), ErrorCategory::usage, HasSubstr("at least two runs"));
  EXPECT_PILLAR_ERROR(compare_runs({a, a}, options(), {}), ErrorCategory::usage, HasSubstr("named a"));
  RunScores b = run_of("b", 0.3, 2);
  b.scores_q[1][9].answer = 1 - a.scores_q[1][9].answer;
  EXPECT_PILLAR_ERROR(compare_runs({a, b}, options(), {}), ErrorCategory::input,
                      AllOf(HasSubstr("accession A009"), HasSubstr("'Question 1?'"), HasSubstr("runs/a"),
                            HasSubstr("runs/b")));
  RunScores elsewhere = run_of("b", 0.3, 2);
  for (std::string& accession : elsewhere.accessions) accession += "x";
  EXPECT_PILLAR_ERROR(compare_runs({a, elsewhere}, options(), {}), ErrorCategory::input,
                      HasSubstr("no accession in common"));
  RunScores others = run_of("b", 0.3, 2);
  for (std::string& question : others.questions) question += "x";
  EXPECT_PILLAR_ERROR(compare_runs({a, others}, options(), {}), ErrorCategory::input,
                      HasSubstr("no question in common"));
  RunScores unknown = run_of("b", 0.3, 2);
  for (std::vector<RunScores::Score>& scores : unknown.scores_q)
    for (RunScores::Score& score : scores) score.answer = -1;
  EXPECT_PILLAR_ERROR(compare_runs({a, unknown}, options(), {}), ErrorCategory::input,
                      HasSubstr("no question with both a yes and a no"));
}

std::string written(const TempDir& dir, const std::string& folder, const RunScores& run) {
  std::filesystem::create_directories(dir / folder);
  CsvTable table;
  table.header = {"accession", "question", "probability", "prediction", "true_label"};
  for (std::size_t q = 0; q < run.questions.size(); ++q) {
    for (const RunScores::Score& score : run.scores_q[q]) {
      table.rows.push_back({run.accessions[score.accession], run.questions[q], fmt::format("{}", score.score),
                            score.score > 0.5 ? "1" : "0", fmt::format("{}", score.answer)});
    }
  }
  write_csv(dir / folder / "exam_probabilities.csv", table);
  return (dir / folder).string();
}

TEST(CompareProgram, WritesTableAndJson) {
  TempDir dir;
  const std::string a = written(dir, "first/probe", run_of("a", 0.2, 1)),
                    b = written(dir, "second run/probe", run_of("b", 0.6, 2)), out = dir / "out folder";
  const auto result = run_program({"pillar-eval", "compare", a, b, "--out", out, "--bootstrap", "100"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("120 studies and 5 questions in all runs, 4 questions with both"),
                                HasSubstr(b), HasSubstr("compare.csv")));
  const CsvTable table = read_csv(std::filesystem::path(out) / "compare.csv");
  EXPECT_THAT(table.header, ElementsAre("run", "baseline", "question", "category", "num_positive",
                                        "num_negative", "baseline_auroc", "auroc", "difference", "low",
                                        "high", "verdict", "delong_low", "delong_high", "delong_p"));
  ASSERT_EQ(table.rows.size(), 4u);
  EXPECT_EQ(table.rows[0][11], "win");
  const auto json = nlohmann::json::parse(read_text_file(std::filesystem::path(out) / "metrics.json"));
  EXPECT_EQ(json.at("kind"), "compare");
  EXPECT_EQ(json.at("runs").at(0).at("name"), a);  // two folders named probe
  EXPECT_EQ(json.at("inputs").size(), 2u);
  EXPECT_THAT(read_text_file(std::filesystem::path(out) / "report.html"), HasSubstr("Question 3?"));
  const auto& comparison = json.at("comparisons").at(0);
  EXPECT_EQ(comparison.at("wins"), 4);
  EXPECT_EQ(comparison.at("baseline"), a);
  EXPECT_GT(comparison.at("macro").at("low").get<double>(), 0);
  EXPECT_EQ(comparison.at("questions").size(), 4u);
  EXPECT_EQ(comparison.at("questions").at(0).at("verdict"), "win");
}

TEST(CompareProgram, RefusesWrongCalls) {
  TempDir dir;
  const std::string a = written(dir, "a", run_of("a", 0.2, 1)), b = written(dir, "b", run_of("b", 0.6, 2)),
                    out = dir / "out";
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"pillar-eval", "compare"});
    return run_program(words);
  };
  EXPECT_EQ(run({a, "--out", out}).exit_code, 2);
  EXPECT_EQ(run({a, a, "--out", out}).exit_code, 2);
  const auto onto_a_run = run({a, b, "--out", b});
  EXPECT_EQ(onto_a_run.exit_code, 2);
  EXPECT_THAT(onto_a_run.err, HasSubstr("is the folder of a run"));
  std::filesystem::create_directories(dir / "empty");
  const auto no_run = run({a, dir / "empty", "--out", out});
  EXPECT_EQ(no_run.exit_code, 1);
  EXPECT_THAT(no_run.err, HasSubstr("no exam_probabilities.csv in it"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

// The test of DeLong stands beside the bootstrap's interval, and not where patients are drawn.
TEST(Compare, DelongIsBesideTheBootstrap) {
  std::vector<RunScores> runs(2);
  for (std::size_t r = 0; r < 2; ++r) {
    runs[r].name = r == 0 ? "first" : "second";
    runs[r].questions = {"Q"};
    runs[r].categories = {""};
    runs[r].scores_q.resize(1);
    for (std::uint32_t n = 0; n < 60; ++n) {
      const auto answer = static_cast<std::int8_t>(n % 3 == 0);
      runs[r].accessions.push_back(fmt::format("A{:02}", n));
      const double noise = static_cast<double>((n * 37 + 11 * r) % 23) / 11;
      runs[r].scores_q[0].push_back({noise + (r == 1 ? answer : 0), n, answer});
    }
  }
  const Comparison comparison = compare_runs(runs, {}, {});
  const QuestionComparison& question = comparison.comparisons.at(0).questions.at(0);
  EXPECT_NEAR(question.delong.difference.value, question.difference.value, 1e-12);
  EXPECT_NEAR(question.delong.difference.low, question.difference.low, 0.04);
  EXPECT_NEAR(question.delong.difference.high, question.difference.high, 0.04);
  EXPECT_LT(question.delong.p, 0.05);
  PatientTable patients;
  for (std::uint32_t n = 0; n < 60; ++n)
    patients.patient_of[fmt::format("A{:02}", n)] = fmt::format("P{}", n / 2);
  EXPECT_TRUE(std::isnan(compare_runs(runs, {}, patients).comparisons.at(0).questions.at(0).delong.p));
}

}  // namespace
}  // namespace pillar
