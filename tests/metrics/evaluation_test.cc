#include "pillar/metrics/evaluation.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/core/random.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <bit>
#include <cmath>

#include <ATen/ops/empty.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

double uniform(std::uint64_t number) {
  return unit_interval(hash64(number * 977));
}

// Question q is answered yes in a share of 1 / (q + 2); the last never is.
Predictions drawn(std::int64_t questions, std::int64_t studies, std::uint64_t seed = 1) {
  Predictions p;
  p.scores_qn = at::empty({questions, studies}, at::kFloat);
  p.answers_qn = at::empty({questions, studies}, at::kChar);
  auto* scores = p.scores_qn.mutable_data_ptr<float>();
  auto* answers = p.answers_qn.mutable_data_ptr<std::int8_t>();
  for (std::int64_t n = 0; n < studies; ++n) p.accessions.push_back(fmt::format("A{:04}", n));
  for (std::int64_t q = 0; q < questions; ++q) {
    p.questions.push_back(fmt::format("Finding {}, at \"least\" <mild>?", q));
    p.categories.push_back(q % 3 == 2 ? "" : q % 3 == 1 ? "Lungs" : "Bones");
    for (std::int64_t n = 0; n < studies; ++n) {
      const auto number = static_cast<std::uint64_t>(q * studies + n) + seed * 1000003;
      const bool yes = q + 1 < questions && uniform(number) * static_cast<double>(q + 2) < 1;
      *answers++ = yes ? 1 : 0;
      *scores++ = static_cast<float>(std::round(50 * (0.7 * uniform(number + 7919) + (yes ? 0.3 : 0))) / 50);
    }
  }
  return p;
}

EvaluationOptions options(std::int64_t replicates, int threads = 1) {
  EvaluationOptions o;
  o.bootstrap.replicates = replicates;
  o.bootstrap.threads = threads;
  return o;
}

TEST(Evaluation, MeansAreOverQuestionsWithBothClasses) {
  const Evaluation e = evaluate(drawn(7, 200), options(50));
  EXPECT_EQ(e.num_studies, 200);
  EXPECT_EQ(e.num_evaluated, 6);
  ASSERT_EQ(e.questions.size(), 7u);
  EXPECT_TRUE(std::isnan(e.questions[6].auroc.value));
  EXPECT_TRUE(std::isnan(e.questions[6].auroc.low));
  EXPECT_FALSE(std::isnan(e.questions[6].brier));
  double sum = 0, bones = 0;
  for (int q = 0; q < 6; ++q) {
    const Interval& area = e.questions[static_cast<std::size_t>(q)].auroc;
    EXPECT_LT(area.low, area.value);
    EXPECT_GT(area.high, area.value);
    sum += area.value;
    if (q % 3 == 0) bones += area.value;
  }
  EXPECT_NEAR(e.auroc.mean.value, sum / 6, 1e-14);
  EXPECT_EQ(e.auroc.questions, 6);
  EXPECT_EQ(e.brier.questions, 7);
  ASSERT_EQ(e.categories.size(), 2u);
  EXPECT_EQ(e.categories[0].name, "Bones");
  EXPECT_EQ(e.categories[0].auroc.questions, 2);
  EXPECT_NEAR(e.categories[0].auroc.mean.value, bones / 2, 1e-14);
  EXPECT_LT(e.auroc.mean.high - e.auroc.mean.low, e.questions[5].auroc.high - e.questions[5].auroc.low);
}

void expect_same_bits(const Interval& a, const Interval& b) {
  EXPECT_EQ(std::bit_cast<std::uint64_t>(a.value), std::bit_cast<std::uint64_t>(b.value));
  EXPECT_EQ(std::bit_cast<std::uint64_t>(a.low), std::bit_cast<std::uint64_t>(b.low));
  EXPECT_EQ(std::bit_cast<std::uint64_t>(a.high), std::bit_cast<std::uint64_t>(b.high));
}

TEST(Evaluation, ThreadsChangeNoBitTheSeedDoes) {
  const Predictions p = drawn(70, 60);  // more questions than go together
  const Evaluation one = evaluate(p, options(100, 1)), two = evaluate(p, options(100, 2));
  expect_same_bits(one.auroc.mean, two.auroc.mean);
  expect_same_bits(one.average_precision.mean, two.average_precision.mean);
  for (std::size_t q = 0; q < p.questions.size(); ++q)
    expect_same_bits(one.questions[q].auroc, two.questions[q].auroc);
  EvaluationOptions other = options(100);
  other.bootstrap.seed = 1;
  const Evaluation seeded = evaluate(p, other);
  EXPECT_EQ(seeded.auroc.mean.value, one.auroc.mean.value);
  EXPECT_NE(seeded.auroc.mean.low, one.auroc.mean.low);
}

// Scores are uniform, shifted by 0.3 of 1.0 for a yes: the AUROC of the population is 1 - (4/7)^2 / 2.
TEST(Evaluation, IntervalsCoverTheTruthAboutAsOftenAsTheySay) {
  constexpr double kTruth = 1 - (4.0 / 7) * (4.0 / 7) / 2;
  EvaluationOptions o = options(200);
  o.bootstrap.confidence = 0.8;
  int covered = 0;
  constexpr int kTimes = 300;
  for (int i = 0; i < kTimes; ++i) {
    const Evaluation e = evaluate(drawn(2, 150, static_cast<std::uint64_t>(i) + 10), o);
    covered += e.questions[0].auroc.low <= kTruth && kTruth <= e.questions[0].auroc.high ? 1 : 0;
  }
  EXPECT_GT(covered, 0.8 * kTimes - 4 * std::sqrt(0.8 * 0.2 * kTimes));
  EXPECT_LT(covered, 0.8 * kTimes + 4 * std::sqrt(0.8 * 0.2 * kTimes));
}

TEST(Evaluation, CopiesOfAStudyAreNoNewEvidenceByPatient) {
  const Predictions once = drawn(2, 100);
  Predictions four = drawn(2, 400);
  EvaluationOptions by_patient = options(500);
  for (std::int64_t n = 0; n < 400; ++n) {
    for (std::int64_t q = 0; q < 2; ++q) {
      four.scores_qn.mutable_data_ptr<float>()[q * 400 + n] =
          once.scores_qn.const_data_ptr<float>()[q * 100 + n / 4];
      four.answers_qn.mutable_data_ptr<std::int8_t>()[q * 400 + n] =
          once.answers_qn.const_data_ptr<std::int8_t>()[q * 100 + n / 4];
    }
    by_patient.patients.patient_of[four.accessions[static_cast<std::size_t>(n)]] = fmt::format("P{}", n / 4);
  }
  const Evaluation patients = evaluate(four, by_patient), studies = evaluate(four, options(500)),
                   single = evaluate(once, options(500));
  EXPECT_EQ(patients.unit, "patient");
  EXPECT_EQ(patients.num_units, 100);
  EXPECT_EQ(studies.unit, "study");
  // The same patients are drawn as studies are of the single ones, so that the intervals are the same.
  EXPECT_NEAR(patients.questions[0].auroc.low, single.questions[0].auroc.low, 1e-12);
  EXPECT_NEAR(patients.questions[0].auroc.high, single.questions[0].auroc.high, 1e-12);
  const auto width = [](const Evaluation& e) { return e.questions[0].auroc.high - e.questions[0].auroc.low; };
  EXPECT_NEAR(width(patients) / width(studies), 2, 0.4);
  by_patient.patients.patient_of.erase("A0399");
  EXPECT_PILLAR_ERROR(evaluate(four, by_patient), ErrorCategory::input, HasSubstr("A0399"));
}

Predictions small(std::vector<float> scores, std::vector<std::int8_t> answers) {
  Predictions p;
  const auto studies = static_cast<std::int64_t>(scores.size());
  p.questions = {"Fracture?"};
  p.categories = {""};
  for (std::int64_t n = 0; n < studies; ++n) p.accessions.push_back(fmt::format("A{}", n));
  p.scores_qn = at::empty({1, studies}, at::kFloat);
  p.answers_qn = at::empty({1, studies}, at::kChar);
  std::copy(scores.begin(), scores.end(), p.scores_qn.mutable_data_ptr<float>());
  std::copy(answers.begin(), answers.end(), p.answers_qn.mutable_data_ptr<std::int8_t>());
  return p;
}

std::vector<std::string> errors_of(const Predictions& p, int most = 5) {
  EvaluationOptions o = options(0);
  o.errors_per_question = most;
  const Evaluation evaluation = evaluate(p, o);
  std::vector<std::string> accessions;
  for (const ConfidentError& error : evaluation.questions[0].errors) accessions.push_back(error.accession);
  return accessions;
}

TEST(Evaluation, TheMostConfidentErrorsComeFirst) {
  Predictions p = small({0.95f, 0.1f, 0.75f, 0.2f, 0.6f, 0.0f}, {0, 1, 1, 0, 0, -1});
  EXPECT_THAT(errors_of(p), ElementsAre("A0", "A1", "A4"));
  EXPECT_THAT(errors_of(p, 1), ElementsAre("A0"));
  EXPECT_TRUE(errors_of(p, 0).empty());
  // Two are yes, so that the two highest are said to be.
  p = small({9, -5, 7, 1, 6, 0}, {0, 1, 1, 0, 0, -1});
  p.probabilities = false;
  EXPECT_THAT(errors_of(p), ElementsAre("A1", "A0"));
  p = small({9, 8}, {0, 0});
  p.probabilities = false;
  EXPECT_TRUE(errors_of(p).empty());
}

TEST(Evaluation, ScoresThatAreNoProbabilitiesHaveNoCalibration) {
  Predictions p = small({9, -5, 7, 1}, {1, 0, 1, 0});
  p.probabilities = false;
  const Evaluation e = evaluate(p, options(10));
  EXPECT_EQ(e.questions[0].auroc.value, 1);
  EXPECT_TRUE(std::isnan(e.questions[0].brier));
  EXPECT_TRUE(e.questions[0].reliability.empty());
  EXPECT_EQ(e.brier.questions, 0);
}

TEST(Evaluation, RefusesWhatCannotBeMeasured) {
  const auto fails = [](const Predictions& p, auto message) {
    EXPECT_PILLAR_ERROR(evaluate(p, options(10)), ErrorCategory::input, message);
  };
  fails(small({0.5f, NAN}, {1, 0}),
        AllOf(HasSubstr("A1"), HasSubstr("'Fracture?'"), HasSubstr("not finite")));
  fails(small({0.5f, 1.5f}, {1, 0}), AllOf(HasSubstr("A1"), HasSubstr("no probability")));
  fails(small({0.5f}, {3}), HasSubstr("answer 0 is 3"));
  fails(small({}, {}), HasSubstr("0 studies"));
  Predictions p = small({0.5f, 0.2f}, {1, 0});
  p.accessions.pop_back();
  fails(p, HasSubstr("1 questions by 1 studies"));
  p = small({0.5f}, {1});
  p.scores_qn = p.scores_qn.to(at::kHalf);
  fails(p, HasSubstr("float32 or float64"));
  p = small({0.5f}, {1});
  p.categories.clear();
  fails(p, HasSubstr("0 categories for 1 questions"));
}

TEST(Evaluation, WritesTableAndJson) {
  TempDir dir;
  RunRecord record;
  record.kind = "probe";
  record.command = {"pillar-eval", "probe"};
  const Predictions p = drawn(4, 50);
  const TrainingCounts counts = {80, 10, {1, 2, 3, 0}, {79, 78, 77, 80}};
  write_evaluation(dir / "a run", evaluate(p, options(20)), record, counts);
  const std::filesystem::path csv = dir / "a run" / "metrics.csv";
  const CsvTable table = read_csv(csv);
  ASSERT_EQ(table.rows.size(), 4u);
  EXPECT_EQ(table.header.size(), 21u);
  EXPECT_EQ(table.rows[1][table.column("num_missing", csv)], "0");
  EXPECT_EQ(table.rows[1][table.column("question", csv)], p.questions[1]);
  EXPECT_EQ(table.rows[1][table.column("train_negative", csv)], "78");
  EXPECT_EQ(table.rows[3][table.column("auroc", csv)], "");
  EXPECT_EQ(table.rows[3][table.column("auroc_low", csv)], "");

  const auto json = nlohmann::json::parse(read_text_file(dir / "a run" / "metrics.json"));
  EXPECT_EQ(json.at("counts").dump(), R"({"evaluated":3,"questions":4,"test":50,"train":80,"valid":10})");
  EXPECT_EQ(json.at("bootstrap").at("units"), 50);
  EXPECT_EQ(json.at("macro").at("auroc").at("questions"), 3);
  EXPECT_EQ(json.at("categories").size(), 2u);
  const auto& question = json.at("questions").at(0);
  EXPECT_EQ(question.at("train_positive"), 1);
  EXPECT_EQ(question.at("roc").front().dump(), "[0.0,0.0]");
  EXPECT_EQ(question.at("roc").back().dump(), "[1.0,1.0]");
  EXPECT_GT(question.at("reliability").size(), 3u);
  EXPECT_EQ(question.at("errors").size(), 5u);
  EXPECT_EQ(std::stod(table.rows[0][table.column("auroc", csv)]), question.at("auroc").at("value"));
  EXPECT_TRUE(json.at("questions").at(3).at("auroc").at("value").is_null());
  EXPECT_EQ(json.at("questions").at(3).at("roc").size(), 0u);
}

TEST(Evaluation, WithoutTrainingItsCountsAreNull) {
  TempDir dir;
  const Evaluation evaluation = evaluate(drawn(2, 20), options(0));
  write_evaluation(dir.path(), evaluation, {}, std::nullopt);
  const auto json = nlohmann::json::parse(read_text_file(dir / "metrics.json"));
  EXPECT_TRUE(json.at("counts").at("train").is_null());
  EXPECT_TRUE(json.at("questions").at(0).at("train_positive").is_null());
  EXPECT_TRUE(json.at("questions").at(0).at("auroc").at("low").is_null());
  EXPECT_FALSE(json.at("questions").at(0).at("auroc").at("value").is_null());
  EXPECT_PILLAR_ERROR(write_evaluation(dir.path(), evaluation, {}, TrainingCounts{1, 1, {1}, {1}}),
                      ErrorCategory::usage, HasSubstr("1 training counts for 2 questions"));
}

}  // namespace
}  // namespace pillar
