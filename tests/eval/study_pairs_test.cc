#include "pillar/eval/study_pairs.h"

#include "pillar/core/file.h"
#include "pillar/embed/embedding_cache.h"
#include "pillar/eval/probe_job.h"

#include "eval/probe/pair_split.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

PairTable pairs_of(const TempDir& dir, const std::string& rows, const std::string& patients = {}) {
  write_file_atomic(dir / "pairs.csv", "accession,prior_accession,days\n" + rows);
  if (patients.empty()) return read_pairs(dir / "pairs.csv");
  write_file_atomic(dir / "patients.csv", "accession,patient\n" + patients);
  return read_pairs(dir / "pairs.csv", dir / "patients.csv");
}

TEST(StudyPairs, WhatIsPairedIsOnePatient) {
  const TempDir dir;
  const PairTable table = pairs_of(dir, "B,A,30\nC,B,0\nE,D,1.5\n");
  ASSERT_EQ(table.pairs.size(), 3u);
  EXPECT_EQ(table.pairs[1].key(), "C|B");
  const auto& patient_of = table.patients.patient_of;
  EXPECT_EQ(patient_of.at("A"), patient_of.at("C"));
  EXPECT_EQ(patient_of.at("C|B"), patient_of.at("A"));
  EXPECT_NE(patient_of.at("A"), patient_of.at("D"));
  EXPECT_EQ(pairs_of(dir, "B,A,30\n", "A,Ann\nB,Ann\n").patients.patient_of.at("B|A"), "Ann");
}

TEST(StudyPairs, BadPairsAreRefused) {
  const TempDir dir;
  const auto expect_fault = [&](const std::string& rows, const char* what, const std::string& patients = {}) {
    EXPECT_PILLAR_ERROR(pairs_of(dir, rows, patients), ErrorCategory::input, HasSubstr(what));
  };
  expect_fault("B,A,30\nA,A,0\n", "row 3: A is paired with itself");
  expect_fault("B,A,-3\n", "row 2: -3 days: B came before A, so the pair is the wrong way round");
  expect_fault("B,A,soon\n", "row 2: the days 'soon'");
  expect_fault("B,,1\n", "row 2: an accession is missing");
  expect_fault("B,A,1\nB,A,1\n", "row 3: the pair B|A again");
  expect_fault("", "has no pairs");
  expect_fault("B,A,1\n", "two patients, Bo and Ann", "A,Ann\nB,Bo\n");
  expect_fault("B,A,1\n", "no patient for a study of row 2", "A,Ann\n");
  EXPECT_PILLAR_ERROR(parse_pair_features("both"), ErrorCategory::usage, HasSubstr("'both'"));
}

TEST(StudyPairs, FeaturesAreMadeOfBothStudies) {
  const TempDir dir;
  const PairTable table = pairs_of(dir, "B,A,30\nX,A,3\nB,Y,1\n");
  const EmbeddingSet set = {{"A", "B"}, at::arange(4, at::kFloat).view({2, 2})};
  const EmbeddingSet all = pair_embeddings(set, "test", table, PairFeatures::all);
  EXPECT_EQ(all.accessions, std::vector<std::string>{"B|A"});
  EXPECT_EQ(all.embeddings.sizes(), (at::IntArrayRef{1, 6}));
  EXPECT_EQ(all.embeddings[0][1].item<float>(), 3);
  EXPECT_EQ(all.embeddings[0][2].item<float>(), 0);
  EXPECT_EQ(all.embeddings[0][5].item<float>(), 2);
  EXPECT_TRUE(at::equal(pair_embeddings(set, "test", table, PairFeatures::difference).embeddings[0],
                        all.embeddings[0].narrow(0, 4, 2)));
  EXPECT_TRUE(
      at::equal(pair_embeddings(set, "test", table, PairFeatures::current).embeddings[0], set.embeddings[1]));
  EXPECT_PILLAR_ERROR(
      pair_embeddings({{"Z"}, at::arange(2, at::kFloat).view({1, 2})}, "test", table, PairFeatures::all),
      ErrorCategory::input, AllOf(HasSubstr("pairs.csv"), HasSubstr("split test")));
}

// Studies of two numbers; a finding has grown where the first is larger than before.
class PairRun : public ::testing::Test {
 protected:
  void SetUp() override {
    nlohmann::json labels;
    std::string rows;
    at::Generator generator = at::detail::createCPUGenerator(3);
    for (const auto& [split, count] :
         std::vector<std::pair<std::string, int>>{{"train", 80}, {"valid", 40}, {"test", 60}}) {
      EmbeddingCache cache(dir / "cache", split, EmbeddingFormat::csv);
      for (int i = 0; i < count; ++i) {
        const std::string prior = fmt::format("{}{:03}", split, i), current = prior + "F";
        const at::Tensor then = at::randn({2}, generator), now = at::randn({2}, generator);
        cache.put(prior, then);
        cache.put(current, now);
        rows += fmt::format("{},{},{}\n", current, prior, 10 + i);
        labels[current + "|" + prior]["qa_results"]["Change"] = {
            {{"Has it grown?", now[0].item<float>() > then[0].item<float>() ? "Yes" : "No"}}};
      }
      cache.flush();
    }
    write_file_atomic(dir / "labels.json", labels.dump());
    job.cache = dir / "cache";
    job.labels = dir / "labels.json";
    job.out = dir / "run";
    job.solver = ProbeSolver::lbfgs;
    job.bootstrap.replicates = 50;
    job.quiet = true;
    job.pairs = pairs_of(dir, rows);
  }
  double auroc(PairFeatures features) {
    job.pair_features = features;
    const Evaluation evaluation = run_probe(job);
    EXPECT_EQ(evaluation.unit, "patient");
    EXPECT_EQ(evaluation.num_studies, 60);
    return evaluation.questions[0].auroc.value;
  }

  TempDir dir;
  ProbeJob job;
};

TEST_F(PairRun, ChangeIsKnownFromBothStudiesAndNotFromOne) {
  const double alone = auroc(PairFeatures::current);
  EXPECT_LT(alone, 0.9);
  EXPECT_GT(auroc(PairFeatures::all), alone + 0.08);
  EXPECT_GT(auroc(PairFeatures::difference), 0.98);
}

TEST_F(PairRun, APatientInTwoSplitsIsRefused) {
  EmbeddingCache test_split(job.cache, "test", EmbeddingFormat::csv);
  test_split.put("train007F", at::arange(2, at::kFloat));
  test_split.flush();
  EXPECT_PILLAR_ERROR(run_probe(job), ErrorCategory::input,
                      AllOf(HasSubstr("train007"), HasSubstr("split test"), HasSubstr("trained on")));
  EXPECT_FALSE(fs::exists(job.out));
}

}  // namespace
}  // namespace pillar
