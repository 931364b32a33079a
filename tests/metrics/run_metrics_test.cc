// metrics.json of every kind of run, written and read back.
#include "pillar/metrics/run_metrics.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>
#include <limits>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr double kNotFinite = std::numeric_limits<double>::quiet_NaN();

RunRecord record_of(const std::string& kind) {
  RunRecord record;
  record.kind = kind;
  record.command = {"bin/pillar-eval", kind, "--out", "a folder"};
  record.settings = {{"solver", "lbfgs"}, {"l2", "0.001"}};
  record.inputs = {{"labels", "in/labels.json", std::string(64, 'a'), 123}};
  return record;
}

void expect_head(const RunHead& head, const std::string& kind) {
  EXPECT_EQ(head.kind, kind);
  EXPECT_EQ(head.created.size(), 20u);
  EXPECT_EQ(head.command, fmt::format("pillar-eval {} --out 'a folder'", kind));
  EXPECT_THAT(head.settings, ElementsAre(Pair("l2", "0.001"), Pair("solver", "lbfgs")));
  ASSERT_EQ(head.versions.size(), 2u);
  EXPECT_EQ(head.versions[0].first, "libpillar");
  ASSERT_EQ(head.inputs.size(), 1u);
  EXPECT_EQ(head.inputs[0].what, "labels");
  EXPECT_EQ(head.inputs[0].path, "in/labels.json");
  EXPECT_EQ(head.inputs[0].sha256, std::string(64, 'a'));
  EXPECT_EQ(head.inputs[0].bytes, 123u);
}

// What was written of `kind` to the folder, whose numbers are a T.
template <typename T>
T read_back(const std::filesystem::path& folder, const std::string& kind) {
  const RunMetrics metrics = read_run_metrics(folder / "metrics.json");
  expect_head(metrics.head, kind);
  return std::get<T>(metrics.result);
}

void expect_number(double read, double written) {
  if (std::isnan(written)) {
    EXPECT_TRUE(std::isnan(read)) << read;
  } else {
    EXPECT_EQ(read, written);
  }
}

void expect_interval(const Interval& read, const Interval& written) {
  expect_number(read.value, written.value);
  expect_number(read.low, written.low);
  expect_number(read.high, written.high);
}

void expect_macro(const MacroInterval& read, const MacroInterval& written) {
  expect_interval(read.mean, written.mean);
  EXPECT_EQ(read.questions, written.questions);
}

void expect_bootstrap(const BootstrapOptions& read, const BootstrapOptions& written) {
  EXPECT_EQ(read.replicates, written.replicates);
  EXPECT_EQ(read.confidence, written.confidence);
  EXPECT_EQ(read.seed, written.seed);
}

// Numbers whose digits are many.
Interval third(double shift) {
  return {shift + 1.0 / 3, shift + 0.1, shift + 2.0 / 3};
}

Evaluation sample_evaluation() {
  Evaluation e;
  e.num_studies = 40;
  e.num_evaluated = 1;
  e.bootstrap = {100, 7, 0.9, 2};
  e.unit = "patient";
  e.num_units = 30;
  e.auroc = {third(0.1), 1};
  e.average_precision = {third(0.2), 1};
  e.sensitivity_at_90_specificity = {{0.7, kNotFinite, kNotFinite}, 1};
  e.brier = {{0.1, kNotFinite, kNotFinite}, 2};
  e.expected_calibration_error = {{0.05, kNotFinite, kNotFinite}, 2};
  e.categories = {{"Bones, \"old\"", {third(0.3), 1}, {third(0.4), 1}}};
  QuestionEvaluation fracture;
  fracture.question = "Fracture, <i>old</i>?";
  fracture.category = "Bones, \"old\"";
  fracture.num_samples = 39;
  fracture.num_positive = 4;
  fracture.num_negative = 35;
  fracture.auroc = third(0.05);
  fracture.average_precision = {0.5, kNotFinite, kNotFinite};
  fracture.at_90_specificity = {2.0 / 7, 0.31};
  fracture.brier = 1.0 / 7;
  fracture.expected_calibration_error = 1.0 / 9;
  fracture.reliability = {{0.05, 0.0, 30}, {0.55, 1.0 / 3, 9}};
  fracture.roc = {{0, 0}, {1.0 / 35, 0.25}, {1, 1}};
  fracture.errors = {{"A/1", 0.97, 0}, {"A2", 0.03, 1}};
  QuestionEvaluation never;  // one class only
  never.question = "Never?";
  never.num_samples = never.num_negative = 40;
  never.auroc = never.average_precision = {kNotFinite, kNotFinite, kNotFinite};
  never.at_90_specificity = {kNotFinite, kNotFinite};
  never.brier = 0.01;
  never.expected_calibration_error = 0.02;
  e.questions = {fracture, never};
  return e;
}

void expect_question(const QuestionEvaluation& read, const QuestionEvaluation& written) {
  EXPECT_EQ(read.question, written.question);
  EXPECT_EQ(read.category, written.category);
  EXPECT_EQ(read.num_samples, written.num_samples);
  EXPECT_EQ(read.num_positive, written.num_positive);
  EXPECT_EQ(read.num_negative, written.num_negative);
  expect_interval(read.auroc, written.auroc);
  expect_interval(read.average_precision, written.average_precision);
  expect_number(read.at_90_specificity.sensitivity, written.at_90_specificity.sensitivity);
  expect_number(read.at_90_specificity.threshold, written.at_90_specificity.threshold);
  expect_number(read.brier, written.brier);
  expect_number(read.expected_calibration_error, written.expected_calibration_error);
  ASSERT_EQ(read.reliability.size(), written.reliability.size());
  for (std::size_t i = 0; i < read.reliability.size(); ++i) {
    EXPECT_EQ(read.reliability[i].predicted, written.reliability[i].predicted);
    EXPECT_EQ(read.reliability[i].observed, written.reliability[i].observed);
    EXPECT_EQ(read.reliability[i].count, written.reliability[i].count);
  }
  ASSERT_EQ(read.roc.size(), written.roc.size());
  for (std::size_t i = 0; i < read.roc.size(); ++i) {
    EXPECT_EQ(read.roc[i].false_positive_rate, written.roc[i].false_positive_rate);
    EXPECT_EQ(read.roc[i].true_positive_rate, written.roc[i].true_positive_rate);
  }
  ASSERT_EQ(read.errors.size(), written.errors.size());
  for (std::size_t i = 0; i < read.errors.size(); ++i) {
    EXPECT_EQ(read.errors[i].accession, written.errors[i].accession);
    EXPECT_EQ(read.errors[i].score, written.errors[i].score);
    EXPECT_EQ(read.errors[i].answer, written.errors[i].answer);
  }
}

TEST(RunMetrics, AnEvaluationIsReadAsItWasWritten) {
  const TempDir dir;
  const Evaluation written = sample_evaluation();
  write_evaluation(dir / "run", written, record_of("probe"), TrainingCounts{80, 10, {5, 0}, {75, 80}});
  const auto metrics = read_back<EvaluationMetrics>(dir / "run", "probe");
  const Evaluation& read = metrics.evaluation;
  EXPECT_EQ(read.num_studies, 40);
  EXPECT_EQ(read.num_evaluated, 1);
  EXPECT_TRUE(read.probabilities);
  expect_bootstrap(read.bootstrap, written.bootstrap);
  EXPECT_EQ(read.unit, "patient");
  EXPECT_EQ(read.num_units, 30);
  expect_macro(read.auroc, written.auroc);
  expect_macro(read.average_precision, written.average_precision);
  expect_macro(read.sensitivity_at_90_specificity, written.sensitivity_at_90_specificity);
  expect_macro(read.brier, written.brier);
  expect_macro(read.expected_calibration_error, written.expected_calibration_error);
  ASSERT_EQ(read.categories.size(), 1u);
  EXPECT_EQ(read.categories[0].name, "Bones, \"old\"");
  expect_macro(read.categories[0].auroc, written.categories[0].auroc);
  expect_macro(read.categories[0].average_precision, written.categories[0].average_precision);
  ASSERT_EQ(read.questions.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) expect_question(read.questions[i], written.questions[i]);
  ASSERT_TRUE(metrics.training);
  EXPECT_EQ(metrics.training->train, 80);
  EXPECT_EQ(metrics.training->valid, 10);
  EXPECT_THAT(metrics.training->positives_q, ElementsAre(5, 0));
  EXPECT_THAT(metrics.training->negatives_q, ElementsAre(75, 80));
}

TEST(RunMetrics, ScoresThatAreNoProbabilitiesAndNoTraining) {
  const TempDir dir;
  Evaluation written = sample_evaluation();
  written.bootstrap.replicates = 0;
  for (QuestionEvaluation& question : written.questions) {
    question.brier = question.expected_calibration_error = kNotFinite;
    question.reliability.clear();
  }
  write_evaluation(dir / "run", written, record_of("zero-shot"), std::nullopt);
  const auto read = read_back<EvaluationMetrics>(dir / "run", "zero-shot");
  EXPECT_FALSE(read.training);
  EXPECT_FALSE(read.evaluation.probabilities);
  EXPECT_EQ(read.evaluation.bootstrap.replicates, 0);
  expect_question(read.evaluation.questions[0], written.questions[0]);
}

TEST(RunMetrics, ARunWithoutLabelsHasQuestionsOnly) {
  const TempDir dir;
  write_unlabelled(dir / "run", {25, {"Fracture?", "Cyst, \"simple\"?"}}, record_of("zero-shot"));
  const auto read = read_back<UnlabelledRun>(dir / "run", "zero-shot");
  EXPECT_EQ(read.num_studies, 25);
  EXPECT_THAT(read.questions, ElementsAre("Fracture?", "Cyst, \"simple\"?"));
}

TEST(RunMetrics, AComparisonIsReadAsItWasWritten) {
  const TempDir dir;
  Comparison written;
  written.num_studies = 120;
  written.num_questions = 5;
  written.num_evaluated = 2;
  written.bootstrap = {50, 3, 0.8, 1};
  written.unit = "study";
  written.num_units = 120;
  written.runs = {{"before", "probe", "runs/before", third(0), 1, 2},
                  {"after", "", "runs/a b", third(0.2), 0, 0}};
  written.comparisons = {{"after", "before", {third(-0.3), 2}, 1, 0, 1, {}}};
  written.comparisons[0].questions = {
      {"Q, 1?", "Bones", 10, 110, 0.5, 0.75, third(0.1), Verdict::win},
      {"Q2?", "", 20, 100, 0.75, 0.5, third(-0.9), Verdict::loss},
      {"Q3?", "", 20, 100, 0.5, 0.5, {0, kNotFinite, kNotFinite}, Verdict::tie}};
  write_comparison(dir / "run", written, record_of("compare"));
  const auto read = read_back<Comparison>(dir / "run", "compare");
  EXPECT_EQ(read.num_studies, 120);
  EXPECT_EQ(read.num_questions, 5);
  EXPECT_EQ(read.num_evaluated, 2);
  expect_bootstrap(read.bootstrap, written.bootstrap);
  EXPECT_EQ(read.unit, "study");
  EXPECT_EQ(read.num_units, 120);
  ASSERT_EQ(read.runs.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.runs[i].name, written.runs[i].name);
    EXPECT_EQ(read.runs[i].kind, written.runs[i].kind);
    EXPECT_EQ(read.runs[i].path, written.runs[i].path);
    expect_interval(read.runs[i].macro_auroc, written.runs[i].macro_auroc);
    EXPECT_EQ(read.runs[i].left_out_accessions, written.runs[i].left_out_accessions);
    EXPECT_EQ(read.runs[i].left_out_questions, written.runs[i].left_out_questions);
  }
  ASSERT_EQ(read.comparisons.size(), 1u);
  const RunComparison& comparison = read.comparisons[0];
  EXPECT_EQ(comparison.run, "after");
  EXPECT_EQ(comparison.baseline, "before");
  expect_macro(comparison.difference, written.comparisons[0].difference);
  EXPECT_EQ(comparison.wins, 1);
  EXPECT_EQ(comparison.ties, 0);
  EXPECT_EQ(comparison.losses, 1);
  ASSERT_EQ(comparison.questions.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const QuestionComparison &one = comparison.questions[i], &other = written.comparisons[0].questions[i];
    EXPECT_EQ(one.question, other.question);
    EXPECT_EQ(one.category, other.category);
    EXPECT_EQ(one.num_positive, other.num_positive);
    EXPECT_EQ(one.num_negative, other.num_negative);
    EXPECT_EQ(one.baseline_auroc, other.baseline_auroc);
    EXPECT_EQ(one.auroc, other.auroc);
    expect_interval(one.difference, other.difference);
    EXPECT_EQ(one.verdict, other.verdict);
  }
}

void expect_direction(const RetrievalDirection& read, const RetrievalDirection& written) {
  expect_interval(read.recall_at_1, written.recall_at_1);
  expect_interval(read.recall_at_5, written.recall_at_5);
  expect_interval(read.recall_at_10, written.recall_at_10);
  expect_interval(read.recall_at_50, written.recall_at_50);
  expect_interval(read.median_rank, written.median_rank);
  EXPECT_TRUE(read.ranks.empty()) << "ranks.csv has them";
}

TEST(RunMetrics, ARetrievalIsReadAsItWasWritten) {
  const TempDir dir;
  RetrievalEvaluation written;
  written.accessions = {"A1", "A2", "A3"};
  written.num_pairs = written.num_units = 3;
  written.without_text = 2;
  written.bootstrap = {20, 5, 0.95, 1};
  written.text_to_image = {{1, 2, 3}, third(0), third(0.1), third(0.2), third(0.3), {2, 1.5, 2.5}};
  written.image_to_text = {{3, 2, 1},   third(0.01), third(0.11),
                           third(0.21), third(0.31), {2, kNotFinite, kNotFinite}};
  written.chance = chance_scores(3);
  const RetrievalQuery query = {"report", "An effusion, \"left\" <b>", {{"A,1", 1, 0.5}, {"A2", 2, 1.0 / 3}}};
  write_retrieval(dir / "run", written, record_of("retrieve"), query);
  const auto read = read_back<RetrievalMetrics>(dir / "run", "retrieve");
  EXPECT_EQ(read.evaluation.num_pairs, 3);
  EXPECT_EQ(read.evaluation.without_text, 2);
  EXPECT_EQ(read.evaluation.unit, "study");
  EXPECT_EQ(read.evaluation.num_units, 3);
  expect_bootstrap(read.evaluation.bootstrap, written.bootstrap);
  expect_direction(read.evaluation.text_to_image, written.text_to_image);
  expect_direction(read.evaluation.image_to_text, written.image_to_text);
  EXPECT_EQ(read.evaluation.chance.count, 3);
  EXPECT_EQ(read.evaluation.chance.recall_at_1, 1.0 / 3);
  EXPECT_EQ(read.evaluation.chance.recall_at_5, 1);
  EXPECT_EQ(read.evaluation.chance.recall_at_50, 1);
  EXPECT_EQ(read.evaluation.chance.median_rank, 2);
  ASSERT_TRUE(read.query);
  EXPECT_EQ(read.query->kind, "report");
  EXPECT_EQ(read.query->text, query.text);
  ASSERT_EQ(read.query->nearest.size(), 2u);
  EXPECT_EQ(read.query->nearest[1].accession, "A2");
  EXPECT_EQ(read.query->nearest[1].rank, 2);
  EXPECT_EQ(read.query->nearest[1].score, 1.0 / 3);

  write_retrieval(dir / "run", written, record_of("retrieve"), std::nullopt);
  EXPECT_FALSE(read_back<RetrievalMetrics>(dir / "run", "retrieve").query);
}

TEST(RunMetrics, ASurvivalModelIsReadAsItWasWritten) {
  const TempDir dir;
  SurvivalEvaluation written;
  written.num_studies = 120;
  written.num_events = 17;
  written.bootstrap = {50, 3, 0.8, 1};
  written.unit = "patient";
  written.num_units = 90;
  written.watched_k = {1, 1.0 / 3};
  written.concordance = third(0.1);
  written.sums = {1.0 / 3, 0.1, 0.7};
  written.years = {{0, 120, {kNotFinite, kNotFinite, kNotFinite}, third(0.2), kNotFinite},
                   {17, 80, third(0.3), third(-0.3), 2.0 / 3}};
  write_survival(dir / "run", written, record_of("finetune-survival"));
  const auto read = read_back<SurvivalEvaluation>(dir / "run", "finetune-survival");
  EXPECT_EQ(read.num_studies, 120);
  EXPECT_EQ(read.num_events, 17);
  EXPECT_EQ(read.unit, "patient");
  EXPECT_EQ(read.num_units, 90);
  expect_bootstrap(read.bootstrap, written.bootstrap);
  EXPECT_THAT(read.watched_k, ElementsAre(1, 1.0 / 3));
  expect_interval(read.concordance, written.concordance);
  EXPECT_EQ(read.sums.right, 1.0 / 3);
  EXPECT_EQ(read.sums.tied, 0.1);
  EXPECT_EQ(read.sums.pairs, 0.7);
  ASSERT_EQ(read.years.size(), 2u);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(read.years[k].num_positive, written.years[k].num_positive);
    EXPECT_EQ(read.years[k].num_negative, written.years[k].num_negative);
    expect_interval(read.years[k].auroc, written.years[k].auroc);
    expect_interval(read.years[k].average_precision, written.years[k].average_precision);
    expect_number(read.years[k].pr_auc, written.years[k].pr_auc);
  }
}

TEST(RunMetrics, TheTableOfASurvivalModelHasItsYearsAndThenAll) {
  const TempDir dir;
  SurvivalEvaluation written;
  written.num_studies = 10;
  written.num_events = 4;
  written.concordance = {0.75, 0.5, 1};
  written.years = {{1, 9, {0.5, 0.25, 0.75}, {0.125, 0, 0.5}, 0.0625},
                   {4, 0, {kNotFinite, kNotFinite, kNotFinite}, {1, kNotFinite, kNotFinite}, 1}};
  write_survival(dir / "run", written, record_of("finetune-survival"));
  EXPECT_EQ(read_text_file(dir / "run/metrics.csv"),
            "year,num_positive,num_negative,auroc,auroc_low,auroc_high,average_precision,"
            "average_precision_low,average_precision_high,pr_auc,c_index,c_index_low,c_index_high\n"
            "1,1,9,0.5,0.25,0.75,0.125,0,0.5,0.0625,,,\n"
            "2,4,0,,,,1,,,1,,,\n"
            "all,4,6,,,,,,,,0.75,0.5,1\n");
}

// Faults of every kind's keys are tried on the page (tests/viz/evaluation_report_test.cc).
TEST(RunMetrics, AFaultNamesFileAndKey) {
  const TempDir dir;
  write_file_atomic(dir / "metrics.json",
                    std::string_view(R"({"format": 1, "kind": "retrieve", "counts": {}})"));
  EXPECT_PILLAR_ERROR(read_run_metrics(dir / "metrics.json"), ErrorCategory::input,
                      AllOf(HasSubstr("metrics.json: "), HasSubstr("counts.pairs is missing")));
}

TEST(RunMetrics, AComparisonAsksForKindAndCategoriesOnly) {
  const TempDir dir;
  write_file_atomic(
      dir / "metrics.json",
      std::string_view(R"({"kind": "probe", "questions": [{"question": "Q1", "category": "Bones"},
                                        {"question": "Q2"}]})"));
  const RunQuestions run = read_run_questions(dir / "metrics.json");
  EXPECT_EQ(run.kind, "probe");
  EXPECT_THAT(run.category_of, ElementsAre(Pair("Q1", "Bones"), Pair("Q2", "")));
}

}  // namespace
}  // namespace pillar
