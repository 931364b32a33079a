#include "eval/probe/few_shot.h"

#include "pillar/core/file.h"
#include "pillar/embed/embedding_cache.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using ::testing::HasSubstr;

TEST(FewShot, AsManyYesAsNoOfEachQuestionAndOthersByAnotherSeed) {
  at::Generator generator = at::detail::createCPUGenerator(2);
  ProbeData train;
  train.embeddings_nd = at::arange(0, 200).to(at::kFloat).reshape({200, 1});  // each study says its number
  train.answers_qn = at::randint(-1, 2, {3, 200}, generator).to(at::kChar);
  train.answers_qn[2].fill_(0);
  train.answers_qn[2][5] = 1;
  const ProbeData drawn = few_shot_data(train, 4, 7);
  for (std::int64_t q = 0; q < 3; ++q) {
    EXPECT_EQ(drawn.answers_qn[q].eq(1).sum().item<int>(), q == 2 ? 1 : 4);
    EXPECT_EQ(drawn.answers_qn[q].eq(0).sum().item<int>(), 4);
    for (std::int64_t i = 0; i < drawn.embeddings_nd.size(0); ++i) {
      const int answer = drawn.answers_qn[q][i].item<int>();
      const auto study = static_cast<std::int64_t>(drawn.embeddings_nd[i][0].item<float>());
      EXPECT_TRUE(answer < 0 || answer == train.answers_qn[q][study].item<int>());
    }
  }
  EXPECT_LE(drawn.embeddings_nd.size(0), 24);
  EXPECT_TRUE(at::equal(few_shot_data(train, 4, 7).embeddings_nd, drawn.embeddings_nd));
  EXPECT_FALSE(at::equal(few_shot_data(train, 4, 8).embeddings_nd, drawn.embeddings_nd));
  EXPECT_TRUE(at::equal(few_shot_data(train, 0, 7).answers_qn, train.answers_qn));
}

// Student's t at 97.5 %: 12.7062 for one degree of freedom, 4.3027 for two, 2.7764 for four, 2.0452 for 29.
TEST(FewShot, TheIntervalOfAMeanIsThatOfStudent) {
  const auto reach_of = [](const std::vector<double>& values) {
    const Interval interval = mean_over_draws(values, 0.95);
    double squares = 0;
    for (const double value : values) squares += (value - interval.value) * (value - interval.value);
    const auto count = static_cast<double>(values.size());
    return (interval.high - interval.value) / std::sqrt(squares / (count - 1) / count);
  };
  EXPECT_NEAR(reach_of({1, 2}), 12.70620474, 1e-6);
  EXPECT_NEAR(reach_of({1, 2, 4}), 4.30265273, 1e-7);
  EXPECT_NEAR(reach_of({1, 2, 4, 8, 3}), 2.77644511, 1e-7);
  std::vector<double> thirty;
  for (int i = 0; i < 30; ++i) thirty.push_back(i % 7);
  EXPECT_NEAR(reach_of(thirty), 2.04522964, 1e-7);
  EXPECT_TRUE(std::isnan(mean_over_draws(std::vector<double>{0.5}, 0.95).low));
}

class FewShotRun : public ::testing::Test {
 protected:
  FewShotRun() {
    nlohmann::json labels;
    at::Generator generator = at::detail::createCPUGenerator(6);
    for (const auto& [split, count] :
         {std::pair("train", 120), std::pair("valid", 60), std::pair("test", 80)}) {
      EmbeddingCache cache(dir_ / "cache", split, EmbeddingFormat::csv);
      for (int i = 0; i < count; ++i) {
        const std::string accession = fmt::format("{}{:03}", split, i);
        const at::Tensor x = at::randn({12}, generator);
        cache.put(accession, x);
        const bool large = x[0].item<float>() + 0.3F * x[1].item<float>() > 0;
        labels[accession]["qa_results"]["Lungs"] = {{{"Large?", large ? "Yes" : "No"}}};
        labels[accession]["qa_results"]["Heart"] = {{{"Rare?", i % 40 == 0 ? "Yes" : "No"}}};
      }
      cache.flush();
    }
    write_file_atomic(dir_ / "labels.json", labels.dump());
    job_.cache = dir_ / "cache";
    job_.labels = dir_ / "labels.json";
    job_.out = dir_ / "run";
    job_.solver = ProbeSolver::lbfgs;
    job_.l2 = 0.1;
    job_.bootstrap.replicates = 20;
    job_.quiet = true;
  }
  test::TempDir dir_;
  ProbeJob job_;
};

TEST_F(FewShotRun, TheCurveRisesAndEndsWhereTheProbeIs) {
  job_.few_shot = {1, 16, 0};
  job_.draws = 4;
  const Evaluation evaluation = run_probe(job_);
  ASSERT_EQ(evaluation.few_shot.size(), 3u);
  EXPECT_EQ(evaluation.few_shot[0].auroc_draws.size(), 4u);
  EXPECT_LT(evaluation.few_shot[0].auroc.low, evaluation.few_shot[0].auroc.value);
  EXPECT_LT(evaluation.few_shot[0].auroc.value, evaluation.few_shot[2].auroc.value);
  EXPECT_EQ(evaluation.few_shot[1].short_questions, 1);  // three yes of the rare one
  EXPECT_EQ(evaluation.few_shot[2].draws, 1);            // nothing is drawn
  EXPECT_EQ(evaluation.few_shot[2].auroc.value, evaluation.auroc.mean.value);
  EXPECT_THAT(read_text_file(job_.out / "few_shot.csv"), HasSubstr("16,mean,"));
  const auto metrics = nlohmann::json::parse(read_text_file(job_.out / "metrics.json"));
  EXPECT_EQ(metrics["few_shot"][0]["auroc_draws"].size(), 4u);
  EXPECT_EQ(metrics["few_shot"][2]["shots"], "all");
  job_.few_shot.clear();
  run_probe(job_);
  EXPECT_FALSE(std::filesystem::exists(job_.out / "few_shot.csv"));
}

TEST_F(FewShotRun, NearestNeighboursFitNothingAndWriteNoProbe) {
  run_probe(job_);
  job_.solver = ProbeSolver::knn;
  job_.l2.reset();
  job_.neighbours = 15;
  const Evaluation evaluation = run_probe(job_);
  EXPECT_EQ(evaluation.questions[0].question, "Large?");
  EXPECT_GT(evaluation.questions[0].auroc.value, 0.7);
  EXPECT_FALSE(std::filesystem::exists(job_.out / "probe.safetensors"));
  const auto metrics = nlohmann::json::parse(read_text_file(job_.out / "metrics.json"));
  EXPECT_EQ(metrics["settings"]["solver"], "knn");
  EXPECT_EQ(metrics["settings"]["neighbours"], "15");
}

TEST_F(FewShotRun, QuestionsOfTooFewPositivesAreListedAsLeftOut) {
  job_.min_positives = 3;
  const Evaluation evaluation = run_probe(job_);
  ASSERT_EQ(evaluation.questions.size(), 1u);
  ASSERT_EQ(evaluation.left_out.size(), 1u);
  EXPECT_EQ(evaluation.left_out[0].question, "Rare?");
  EXPECT_EQ(evaluation.left_out[0].train_positive, 3);
  EXPECT_EQ(evaluation.left_out[0].test_positive, 2);
  const auto metrics = nlohmann::json::parse(read_text_file(job_.out / "metrics.json"));
  EXPECT_EQ(metrics["left_out"][0]["question"], "Rare?");
  job_.min_positives = 1000;
  EXPECT_PILLAR_ERROR(run_probe(job_), ErrorCategory::input, HasSubstr("none of 2 questions has 1000"));
}

// Where studies are drawn one by one, DeLong's interval is close to the bootstrap's.
TEST_F(FewShotRun, TheIntervalByDelongIsBesideTheBootstraps) {
  job_.bootstrap.replicates = 500;
  const Evaluation evaluation = run_probe(job_);
  const QuestionEvaluation& question = evaluation.questions[0];
  EXPECT_NEAR(question.delong.low, question.auroc.low, 0.03);
  EXPECT_LT(question.delong.low, question.delong.high);
  std::string patients = "accession,patient\n";
  for (int i = 0; i < 80; ++i) patients += fmt::format("test{:03},T{}\n", i, i / 2);
  write_file_atomic(dir_ / "patients.csv", patients);
  job_.patients = dir_ / "patients.csv";
  EXPECT_TRUE(std::isnan(run_probe(job_).questions[0].delong.low));
}

}  // namespace
}  // namespace pillar
