#include "pillar/eval/probe_job.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/embed/embedding_cache.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"

#include <charconv>
#include <cmath>
#include <set>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

double number(const std::string& text) {
  double value = std::nan("");
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Json read_json(const fs::path& file) {
  return Json::parse(read_text_file(file));
}

void expect_same_table(const fs::path& ours, const fs::path& theirs, const std::set<std::string>& near,
                       double tolerance) {
  CsvTable a = read_csv(ours), b = read_csv(theirs);
  ASSERT_EQ(a.header, b.header);
  ASSERT_EQ(a.rows.size(), b.rows.size());
  // A folder's listing gave the reference its order.
  std::sort(a.rows.begin(), a.rows.end());
  std::sort(b.rows.begin(), b.rows.end());
  for (std::size_t row = 0; row < a.rows.size(); ++row) {
    for (std::size_t column = 0; column < a.header.size(); ++column) {
      const std::string& mine = a.rows[row][column];
      const std::string& other = b.rows[row][column];
      if (near.count(a.header[column]) != 0)
        EXPECT_NEAR(number(mine), number(other), tolerance) << a.header[column];
      else
        EXPECT_EQ(mine, other) << a.header[column];
    }
  }
}

void expect_same_numbers(const fs::path& ours, const fs::path& theirs) {
  const Json a = read_json(ours), b = read_json(theirs);
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [key, value] : b.items()) {
    ASSERT_TRUE(a.contains(key)) << key;
    if (value.is_number())
      EXPECT_NEAR(a[key].get<double>(), value.get<double>(), 1e-12) << key;
    else
      EXPECT_EQ(a[key], value) << key;
  }
}

void check_golden(const std::string& name) {
  const fs::path golden = test::golden("rate/" + name);
  const Json settings = read_json(golden / "probe.json");
  const TempDir folder;
  ProbeJob job;
  job.cache = golden / "cache";
  job.labels = golden / "labels.json";
  job.out = folder / "run";
  job.init = golden / "probe.safetensors";
  job.adam.epochs = settings["epochs"];
  job.adam.lr = settings["lr"];
  job.adam.weight_decay = settings["weight_decay"];
  job.adam.batch_size = settings["batch_size"];
  job.bootstrap.replicates = 50;
  job.quiet = true;
  run_probe(job);

  const SafetensorsFile expected(golden / "probe.safetensors");
  const NamedProbe probe = load_probe(job.out / "probe.safetensors");
  EXPECT_EQ(probe.questions, settings["questions_in_column_order"].get<std::vector<std::string>>());
  EXPECT_TRUE(at::allclose(probe.probe.weight_qd, expected.tensor("final.weight"), 0, 2e-6));
  EXPECT_TRUE(at::allclose(probe.probe.bias_q, expected.tensor("final.bias"), 0, 2e-6));
  const std::set<std::string> rounded = {"accuracy", "precision", "recall", "f1", "auc", "specificity"};
  expect_same_table(job.out / "detailed_results.csv", golden / "expected/detailed_results.csv", rounded,
                    1e-12);
  expect_same_table(job.out / "exam_probabilities.csv", golden / "expected/exam_probabilities.csv",
                    {"probability"}, 2e-6);
  expect_same_numbers(job.out / "summary_stats.json", golden / "expected/summary_stats.json");
  EXPECT_EQ(read_text_file(job.out / "training_stats.json"),
            read_text_file(golden / "expected/training_stats.json"));
}

TEST(ProbeGolden, AThousandEpochs) {
  PILLAR_NEEDS_GOLDEN("rate/probe_small");
  check_golden("probe_small");
}

TEST(ProbeGolden, FiftyEpochs) {
  PILLAR_NEEDS_GOLDEN("rate/probe_50_epochs");
  check_golden("probe_50_epochs");
}

// Two questions that two of the embeddings' numbers tell of.
class ProbeRun : public testing::Test {
 protected:
  ProbeRun() {
    Json labels;
    at::Generator generator = at::detail::createCPUGenerator(3);
    for (const auto& [split, count] :
         std::vector<std::pair<std::string, int>>{{"train", 60}, {"valid", 30}, {"test", 40}}) {
      EmbeddingCache cache(folder_ / "cache", split, EmbeddingFormat::csv);
      for (int i = 0; i < count; ++i) {
        const std::string accession = fmt::format("{}{:03}", split, i);
        const at::Tensor x = at::randn({6}, generator);
        cache.put(accession, x);
        const auto answer = [&](std::int64_t k) {
          return x[k].item<float>() + 0.5 * x[5 - k].item<float>() * x[4 - k].item<float>() > 0 ? "Yes"
                                                                                                : "No";
        };
        labels[accession]["qa_results"]["Lungs, \"both\""] = {{{"Is there <b>one</b>, or more?", answer(0)}}};
        labels[accession]["qa_results"]["Heart"] = {{{"Large?", answer(1)}}};
      }
      cache.flush();
    }
    write_file_atomic(folder_ / "labels.json", labels.dump());
    job_.cache = folder_ / "cache";
    job_.labels = folder_ / "labels.json";
    job_.out = folder_ / "a run";
    job_.adam.epochs = 300;
    job_.adam.lr = 0.02;
    job_.bootstrap.replicates = 100;
    job_.quiet = true;
  }
  void write(const char* name, const std::string& text) { write_file_atomic(folder_ / name, text); }

  TempDir folder_;
  ProbeJob job_;
};

TEST_F(ProbeRun, LearnsWritesAndPredictsTheSame) {
  const Evaluation evaluation = run_probe(job_);
  EXPECT_GT(evaluation.auroc.mean.value, 0.8);
  EXPECT_LT(evaluation.auroc.mean.low, evaluation.auroc.mean.high);
  const Json metrics = read_json(job_.out / "metrics.json");
  EXPECT_EQ(metrics["kind"], "probe");
  EXPECT_EQ(metrics["counts"]["train"], 60);
  EXPECT_EQ(metrics["inputs"].size(), 3u);
  run_predict({job_.cache, "test", job_.out / "probe.safetensors", folder_ / "answers.csv"});
  const CsvTable answers = read_csv(folder_ / "answers.csv"),
                 tested = read_csv(job_.out / "exam_probabilities.csv");
  EXPECT_EQ(answers.header, (std::vector<std::string>{"accession", "question", "probability", "prediction"}));
  ASSERT_EQ(answers.rows.size(), tested.rows.size());
  for (std::size_t row = 0; row < answers.rows.size(); ++row) {
    for (std::size_t column = 0; column < 4; ++column)
      EXPECT_EQ(answers.rows[row][column], tested.rows[row][column]);
  }
}

// Probabilities beside their logits, and both of the same study.
TEST_F(ProbeRun, KeepsTheScoresThatItRanksBy) {
  run_probe(job_);
  const CsvTable scores = read_csv(job_.out / "exam_scores.csv"),
                 tested = read_csv(job_.out / "exam_probabilities.csv");
  EXPECT_EQ(scores.header, (std::vector<std::string>{"accession", "question", "score"}));
  ASSERT_EQ(scores.rows.size(), tested.rows.size());
  for (std::size_t row = 0; row < scores.rows.size(); ++row) {
    EXPECT_EQ(scores.rows[row][0], tested.rows[row][0]);
    EXPECT_EQ(scores.rows[row][1], tested.rows[row][1]);
    const double logit = std::stod(scores.rows[row][2]);
    EXPECT_NEAR(1 / (1 + std::exp(-logit)), std::stod(tested.rows[row][2]), 1e-6);
  }
}

TEST_F(ProbeRun, StandardizedProbesApplyToRawEmbeddings) {
  job_.standardize = true;
  job_.solver = ProbeSolver::lbfgs;
  const Evaluation evaluation = run_probe(job_);
  EXPECT_GT(evaluation.auroc.mean.value, 0.8);
  run_predict({job_.cache, "test", job_.out / "probe.safetensors", folder_ / "answers.csv"});
  EXPECT_EQ(read_csv(folder_ / "answers.csv").rows[0][2],
            read_csv(job_.out / "exam_probabilities.csv").rows[0][2]);
}

TEST_F(ProbeRun, AQuestionListChoosesAndNames) {
  write("list.yaml",
        "modality: ct\ncategories:\n  Size:\n    questions:\n      - question: Large?\n      - question: "
        "Unasked?\n");
  job_.questions = folder_ / "list.yaml";
  const Evaluation evaluation = run_probe(job_);
  ASSERT_EQ(evaluation.questions.size(), 1u);
  EXPECT_EQ(evaluation.questions[0].category, "Size");
  write("list.yaml", "modality: ct\ncategories:\n  Size:\n    questions:\n      - question: Unasked?\n");
  EXPECT_PILLAR_ERROR(run_probe(job_), ErrorCategory::input,
                      AllOf(HasSubstr("list.yaml"), HasSubstr("none of its 1 questions")));
}

TEST_F(ProbeRun, PatientsAreDrawnTogether) {
  std::string table = "accession,patient\n";
  for (int i = 0; i < 40; ++i) table += fmt::format("test{:03},P{}\n", i, i / 4);
  write("patients.csv", table);
  job_.patients = folder_ / "patients.csv";
  const Evaluation evaluation = run_probe(job_);
  EXPECT_EQ(evaluation.unit, "patient");
  EXPECT_EQ(evaluation.num_units, 10);
}

TEST_F(ProbeRun, WhatWasTrainedOnIsNotTested) {
  EmbeddingCache test_split(job_.cache, "test", EmbeddingFormat::csv);
  test_split.put("train007", at::zeros({6}));
  test_split.flush();
  EXPECT_PILLAR_ERROR(run_probe(job_), ErrorCategory::input,
                      AllOf(HasSubstr("1 accessions are in both train and test"), HasSubstr("train007"),
                            HasSubstr("--allow-overlap")));
  EXPECT_FALSE(fs::exists(job_.out));
  job_.allow_overlap = true;
  EXPECT_EQ(run_probe(job_).num_studies, 41);
}

TEST_F(ProbeRun, EmbeddingsThatDoNotFitAreNamed) {
  EmbeddingCache narrow(job_.cache, "narrow", EmbeddingFormat::npz);
  narrow.put("test000", at::zeros({5}));
  job_.test_split = "narrow";
  EXPECT_PILLAR_ERROR(run_probe(job_), ErrorCategory::input,
                      AllOf(HasSubstr("split train have 6 values"), HasSubstr("narrow have 5")));
  job_.test_split = "none";
  EXPECT_PILLAR_ERROR(run_probe(job_), ErrorCategory::io, HasSubstr("none: no embeddings there"));
  EmbeddingCache strange(job_.cache, "strange", EmbeddingFormat::npz);
  strange.put("someone", at::zeros({6}));
  job_.test_split = "strange";
  EXPECT_PILLAR_ERROR(run_probe(job_), ErrorCategory::input,
                      AllOf(HasSubstr("strange"), HasSubstr("none of its 1 accessions is in the labels")));
}

TEST_F(ProbeRun, LbfgsNeedsAValidSplitOrAPenalty) {
  job_.solver = ProbeSolver::lbfgs;
  job_.valid_split = "validation";
  EXPECT_PILLAR_ERROR(run_probe(job_), ErrorCategory::usage,
                      AllOf(HasSubstr("no split validation"), HasSubstr("--l2")));
  job_.l2 = 0.1;
  EXPECT_GT(run_probe(job_).auroc.mean.value, 0.7);
}

// Half of the answers to one question are taken away: they count as no, and the run says so.
TEST_F(ProbeRun, AnswersThatAreMissingAreCountedAndWeighed) {
  Json labels = read_json(job_.labels);
  for (auto& [accession, study] : labels.items()) {
    if (accession.back() % 2 == 0) study["qa_results"]["Heart"] = Json::array();
    if (accession == "test001") study["qa_results"]["Heart"] = {{{"Large?", "Uncertain"}}};
  }
  write("labels.json", labels.dump());
  const Evaluation as_no = run_probe(job_);
  ASSERT_TRUE(as_no.unknown);
  EXPECT_EQ(as_no.unknown->missing, 20);
  EXPECT_EQ(as_no.unknown->uncertain, 1);
  EXPECT_EQ(as_no.unknown->counted, 21);
  EXPECT_EQ(as_no.questions[1].num_missing, 20);
  EXPECT_EQ(as_no.questions[1].num_samples, 40);
  EXPECT_NE(as_no.unknown->auroc_of_given.mean.value, as_no.auroc.mean.value);
  const Json said = read_json(job_.out / "metrics.json");
  EXPECT_EQ(said["unknown_answers"]["missing"], 20);
  EXPECT_EQ(said["questions"][1]["num_uncertain"], 1);
  EXPECT_EQ(said["settings"]["uncertain answers"], "no");
  EXPECT_THAT(read_text_file(job_.out / "metrics.csv"), HasSubstr("num_missing,num_uncertain"));

  job_.answers = {MissingAnswers::drop, UncertainAnswers::drop};
  const Evaluation left_out = run_probe(job_);
  EXPECT_EQ(left_out.unknown->counted, 0);
  EXPECT_EQ(left_out.unknown->auroc_of_given.mean.value, left_out.auroc.mean.value);
  EXPECT_EQ(left_out.questions[1].num_samples, 19);
}

TEST_F(ProbeRun, OneClassIsSaidAndCountsAsZeroInThePublicFilesOnly) {
  Json labels = read_json(job_.labels);
  for (auto& [accession, study] : labels.items()) {
    if (accession.starts_with("test")) study["qa_results"]["Heart"] = {{{"Large?", "No"}}};
  }
  write("labels.json", labels.dump());
  const Evaluation evaluation = run_probe(job_);
  EXPECT_EQ(evaluation.num_evaluated, 1);
  EXPECT_GT(evaluation.auroc.mean.value, 0.8);
  const Json summary = read_json(job_.out / "summary_stats.json");
  EXPECT_NEAR(summary["avg_auc"].get<double>(), evaluation.auroc.mean.value / 2, 1e-12);
  EXPECT_NEAR(summary["drop_zeros_common_auc"].get<double>(), evaluation.auroc.mean.value, 1e-12);
}

TEST_F(ProbeRun, ARunThatFailsLeavesTheOneBeforeAlone) {
  run_probe(job_);
  const std::string before = read_text_file(job_.out / "metrics.json");
  write("labels.json", "{\"A\": ");
  EXPECT_PILLAR_ERROR(run_probe(job_), ErrorCategory::input, HasSubstr("labels.json"));
  EXPECT_EQ(read_text_file(job_.out / "metrics.json"), before);
}

TEST_F(ProbeRun, SameSeedSameBits) {
  job_.adam.batch_size = 16;
  run_probe(job_);
  const std::string first = read_text_file(job_.out / "exam_probabilities.csv");
  run_probe(job_);
  EXPECT_EQ(read_text_file(job_.out / "exam_probabilities.csv"), first);
  job_.seed = 1;
  run_probe(job_);
  EXPECT_NE(read_text_file(job_.out / "exam_probabilities.csv"), first);
}

}  // namespace
}  // namespace pillar
