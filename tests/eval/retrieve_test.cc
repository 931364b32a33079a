#include "pillar/eval/retrieve.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/metrics/retrieval.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/text_caches.h"

#include <algorithm>
#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

JointSpace identity(std::int64_t width) {
  JointSpace space;
  space.model = "a model";
  space.weights = {{"text.proj.weight", at::eye(width)}};
  space.projection = text_projection(space.weights, "a model");
  return space;
}

at::Tensor unit(const at::Tensor& rows) {
  return rows / rows.norm(2, {1}, true);
}

// Pairs that resemble each other, N of width 8.
RetrievalPairs noisy_pairs(std::int64_t count) {
  RetrievalPairs pairs;
  for (std::int64_t n = 0; n < count; ++n) pairs.accessions.push_back(fmt::format("S{:03}", n));
  pairs.images_nw = unit(at::randn({count, 8}, at::detail::createCPUGenerator(1), at::kDouble));
  pairs.texts_nw =
      unit(pairs.images_nw + 0.3 * at::randn({count, 8}, at::detail::createCPUGenerator(2), at::kDouble));
  return pairs;
}

TEST(RetrievalPairs, StudiesWithoutTextAreLeftOutAndCounted) {
  const TempDir dir;
  test::write_public_cache(dir / "text",
                           {{"C", {{"all_findings", at::tensor({0.f, 2.f})}}},
                            {"A", {{"all_findings", at::tensor({3.f, 4.f})}}},
                            {"other", {{"all_findings", at::tensor({1.f, 1.f})}}}},
                           2);
  const EmbeddingSet images{{"A", "B", "C"}, at::tensor({2.f, 0.f, 1.f, 1.f, 0.f, -5.f}).reshape({3, 2})};
  const RetrievalPairs pairs = retrieval_pairs(identity(2), images, dir / "text", "all_findings");
  EXPECT_THAT(pairs.accessions, ElementsAre("A", "C"));
  EXPECT_EQ(pairs.without_text, 1);
  EXPECT_TRUE(at::equal(pairs.images_nw, at::tensor({1., 0., 0., -1.}, at::kDouble).reshape({2, 2})));
  EXPECT_NEAR(pairs.texts_nw[0][1].item<double>(), 0.8, 1e-12);
  EXPECT_NEAR(pairs.texts_nw[1][1].item<double>(), 1, 1e-12);

  const EmbeddingSet strangers{{"X", "Y"}, at::ones({2, 2})};
  EXPECT_PILLAR_ERROR(retrieval_pairs(identity(2), strangers, dir / "text", "all_findings"),
                      ErrorCategory::input,
                      AllOf(HasSubstr("none of the 2 studies"), HasSubstr("X is the first")));
  EXPECT_PILLAR_ERROR(retrieval_pairs(identity(2), images, dir / "text", "lungs"), ErrorCategory::input,
                      HasSubstr("no category 'lungs'"));
  EXPECT_PILLAR_ERROR(retrieval_pairs(identity(3), {{"A"}, at::ones({1, 3})}, dir / "text", "all_findings"),
                      ErrorCategory::input, AllOf(HasSubstr("vectors of 2 numbers"), HasSubstr("takes 3")));
}

TEST(EvaluateRetrieval, ValuesAreThoseOfTheRanksAndIntervalsHoldThem) {
  const RetrievalPairs pairs = noisy_pairs(120);
  BootstrapOptions options;
  options.replicates = 200;
  const RetrievalEvaluation evaluation = evaluate_retrieval(pairs, options);
  const RetrievalScores to_image = retrieval_scores(pairs.texts_nw, pairs.images_nw);
  const RetrievalScores to_text = retrieval_scores(pairs.images_nw, pairs.texts_nw);
  EXPECT_EQ(evaluation.text_to_image.recall_at_1.value, to_image.recall_at_1);
  EXPECT_EQ(evaluation.text_to_image.median_rank.value, to_image.median_rank);
  EXPECT_EQ(evaluation.image_to_text.recall_at_5.value, to_text.recall_at_5);
  EXPECT_EQ(evaluation.image_to_text.recall_at_50.value, to_text.recall_at_50);
  const Interval& recall = evaluation.text_to_image.recall_at_5;
  EXPECT_LT(recall.low, recall.value);
  EXPECT_GT(recall.high, recall.value);
  // The percentile interval of a share is about that of a binomial.
  const double deviation = std::sqrt(recall.value * (1 - recall.value) / 120);
  EXPECT_NEAR(recall.high - recall.low, 2 * 1.96 * deviation, deviation);
}

TEST(EvaluateRetrieval, AReplicateIsTheDrawnPairsTwiceAndThrice) {
  const RetrievalPairs pairs = noisy_pairs(40);
  BootstrapOptions options;
  options.replicates = 1;
  options.seed = 7;
  const RetrievalEvaluation evaluation = evaluate_retrieval(pairs, options);
  std::vector<double> sample;
  for (const std::uint32_t pair : drawn_units(7, 0, 40))
    sample.push_back(evaluation.image_to_text.ranks[pair]);
  EXPECT_EQ(evaluation.image_to_text.median_rank.low, scores_of_ranks(sample).median_rank);
  EXPECT_EQ(evaluation.image_to_text.recall_at_1.high, scores_of_ranks(sample).recall_at_1);
}

TEST(EvaluateRetrieval, ThreadsChangeNothingAndNoReplicatesNoIntervals) {
  const RetrievalPairs pairs = noisy_pairs(30);
  BootstrapOptions one, three;
  one.replicates = three.replicates = 50;
  one.threads = 1;
  three.threads = 3;
  EXPECT_EQ(evaluate_retrieval(pairs, one).text_to_image.recall_at_1.low,
            evaluate_retrieval(pairs, three).text_to_image.recall_at_1.low);
  BootstrapOptions none;
  none.replicates = 0;
  EXPECT_TRUE(std::isnan(evaluate_retrieval(pairs, none).text_to_image.recall_at_1.low));
  none.confidence = 2;
  EXPECT_PILLAR_ERROR(evaluate_retrieval(pairs, none), ErrorCategory::usage, HasSubstr("confidence"));
}

TEST(NearestStudies, EqualOnesByNameAndNeverTheQuery) {
  const at::Tensor rows = at::tensor({1., 0., 0., 1., 0., 1., .6, .8}, at::kDouble).reshape({4, 2});
  const std::vector<std::string> names = {"Q", "b", "a", "c"};
  const auto nearest = nearest_studies(at::tensor({0., 1.}, at::kDouble), rows, names, 3);
  ASSERT_EQ(nearest.size(), 3u);
  EXPECT_EQ(nearest[0].accession, "a");
  EXPECT_EQ(nearest[1].accession, "b");
  EXPECT_EQ(nearest[2].accession, "c");
  EXPECT_EQ(nearest[2].rank, 3);
  EXPECT_DOUBLE_EQ(nearest[2].score, 0.8);
  const auto others = nearest_studies(rows[0], rows, names, 10, "Q");
  ASSERT_EQ(others.size(), 3u) << "fewer than wanted are all";
  EXPECT_EQ(others[0].accession, "c");
}

TEST(RowOfAccession, AnUnknownOneNamesTheNearest) {
  EXPECT_EQ(row_of_accession({"P001", "P002"}, "P002"), 1);
  EXPECT_PILLAR_ERROR(row_of_accession({"P001", "R902"}, "P0O1"), ErrorCategory::usage,
                      AllOf(HasSubstr("'P0O1'"), HasSubstr("did you mean 'P001'?")));
}

TEST(WriteRetrieval, FilesAreOfThisRunOnly) {
  const TempDir dir;
  BootstrapOptions options;
  options.replicates = 20;
  RetrievalPairs pairs = noisy_pairs(20);
  pairs.accessions[0] = "A,\"1\"<b>";
  const RetrievalEvaluation evaluation = evaluate_retrieval(pairs, options);
  RunRecord record;
  record.kind = "retrieve";
  record.command = {"pillar-eval", "retrieve"};
  const RetrievalQuery query{
      "report", "An effusion, \"left\" <b>", {{"A,\"1\"<b>", 1, 0.5}, {"S003", 2, 0.25}}};
  write_retrieval(dir / "run", evaluation, record, query);
  const auto json = nlohmann::json::parse(read_text_file(dir / "run/metrics.json"));
  EXPECT_EQ(json["kind"], "retrieve");
  EXPECT_EQ(json["counts"]["pairs"], 20);
  EXPECT_EQ(json["bootstrap"]["unit"], "study");
  EXPECT_EQ(json["text_to_image"]["recall_at_10"]["value"], evaluation.text_to_image.recall_at_10.value);
  EXPECT_EQ(json["chance"]["recall_at_5"], 0.25);
  EXPECT_EQ(json["chance"]["recall_at_50"], 1);
  EXPECT_EQ(json["chance"]["median_rank"], 10.5);
  EXPECT_EQ(json["query"]["text"], query.text);
  EXPECT_EQ(json["query"]["nearest"][1]["accession"], "S003");
  const CsvTable ranks = read_csv(dir / "run/ranks.csv");
  EXPECT_THAT(ranks.header, ElementsAre("accession", "image_to_text_rank", "text_to_image_rank"));
  ASSERT_EQ(ranks.rows.size(), 20u);
  EXPECT_EQ(ranks.rows[0][0], "A,\"1\"<b>");
  EXPECT_EQ(std::stod(ranks.rows[3][1]), evaluation.image_to_text.ranks[3]);
  EXPECT_THAT(read_csv(dir / "run/nearest.csv").rows[1], ElementsAre("S003", "2", "0.25"));

  write_retrieval(dir / "run", evaluation, record, std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(dir / "run/nearest.csv"));
  EXPECT_FALSE(nlohmann::json::parse(read_text_file(dir / "run/metrics.json")).contains("query"));
  write_file_atomic(dir / "file", std::string_view("x"));
  EXPECT_PILLAR_ERROR(write_retrieval(dir / "file", evaluation, record, query), ErrorCategory::io,
                      HasSubstr("file"));
}

}  // namespace
}  // namespace pillar
