// probe, predict, compare and report as a user meets them.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/embed/embedding_cache.h"
#include "pillar/metrics/label_quality.h"

#include "support/goldens.h"
#include "support/program.h"
#include "support/temp_dir.h"

#include <fstream>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::ProgramResult;
using test::run_program;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kQuestion = "Is there a \"mass\", <script>alert(1)</script>?";

class PillarEvalProbe : public ::testing::Test {
 protected:
  PillarEvalProbe() {
    Json labels;
    at::Generator generator = at::detail::createCPUGenerator(5);
    for (const char* split : {"train", "valid", "test"}) {
      EmbeddingCache cache(dir_ / "the cache", split, EmbeddingFormat::npz);
      for (int study = 0; study < 30; ++study) {
        const std::string accession = fmt::format("{}/{:02}", split, study);
        const at::Tensor x = at::randn({4}, generator);
        cache.put(accession, x);
        const bool yes = x[0].item<float>() + x[1].item<float>() * x[2].item<float>() > 0;
        labels[accession]["qa_results"]["Lungs"] = {{{kQuestion, yes ? "Yes" : "No"}}};
      }
    }
    write_file_atomic(dir_ / "labels.json", labels.dump());
  }

  ProgramResult probe(const std::string& out, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command = {"pillar-eval",  "probe",
                                        "--embeddings", (dir_ / "the cache").string(),
                                        "--labels",     (dir_ / "labels.json").string(),
                                        "--out",        (dir_ / out).string()};
    command.insert(command.end(), more.begin(), more.end());
    return run_program(command);
  }

  TempDir dir_;
};

TEST_F(PillarEvalProbe, FromEmbeddingsToPages) {
  const ProgramResult adam = probe("adam", {"--epochs", "20", "--lr", "0.01"});
  ASSERT_EQ(adam.exit_code, 0) << adam.err;
  EXPECT_THAT(adam.out, AllOf(HasSubstr("macro AUROC"), HasSubstr("Lungs"), HasSubstr("report.html")));
  const ProgramResult lbfgs = probe("lbfgs", {"--solver", "lbfgs", "--standardize", "--quiet"});
  ASSERT_EQ(lbfgs.exit_code, 0) << lbfgs.err;
  EXPECT_EQ(lbfgs.out, "");
  const std::string page = read_text_file(dir_ / "lbfgs/report.html");
  EXPECT_THAT(page, AllOf(HasSubstr("&lt;script&gt;alert(1)"), Not(HasSubstr("<script>alert"))));

  const ProgramResult predict = run_program(
      {"pillar-eval", "predict", "--embeddings", (dir_ / "the cache").string(), "--split", "valid", "--probe",
       (dir_ / "lbfgs/probe.safetensors").string(), "--out", (dir_ / "answers.csv").string()});
  ASSERT_EQ(predict.exit_code, 0) << predict.err;
  const CsvTable answers = read_csv(dir_ / "answers.csv");
  ASSERT_EQ(answers.rows.size(), 30u);
  EXPECT_EQ(answers.rows[0][0], "valid/00");
  EXPECT_EQ(answers.rows[0][1], kQuestion);

  const ProgramResult compare =
      run_program({"pillar-eval", "compare", (dir_ / "adam").string(), (dir_ / "lbfgs").string(), "--out",
                   (dir_ / "comparison").string()});
  ASSERT_EQ(compare.exit_code, 0) << compare.err;
  EXPECT_THAT(compare.out, HasSubstr("against the first"));
  EXPECT_TRUE(fs::exists(dir_ / "comparison/report.html"));

  const ProgramResult report = run_program(
      {"pillar-eval", "report", (dir_ / "adam").string(), "--out", (dir_ / "again.html").string()});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  EXPECT_EQ(read_text_file(dir_ / "again.html"), read_text_file(dir_ / "adam/report.html"));
}

// 100 reviewed labels of the question, of which nine of ten Yes and eight of ten No were right.
LabelScore reviewed_labels(const std::string& question) {
  std::vector<ReviewedLabel> labels;
  for (int i = 0; i < 100; ++i) {
    ReviewedLabel label;
    label.reviewed = i < 50;
    label.predicted = i < 50 ? i % 10 != 0 : i % 5 == 0;
    labels.push_back(label);
  }
  LabelScore score;
  score.overall = label_quality(labels, score.bootstrap);
  score.questions = {{question, "Lungs", score.overall}};
  return score;
}

TEST_F(PillarEvalProbe, NoiseOfTheLabelsIsTakenIntoAccount) {
  const std::vector<std::string> quick = {"--solver", "lbfgs", "--label-noise",
                                          (dir_ / "score.json").string()};
  write_label_score(dir_ / "score.json", reviewed_labels(kQuestion));
  const ProgramResult result = probe("noisy", quick);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("what a perfect score would reach"));
  const CsvTable table = read_csv(dir_ / "noisy/label_noise.csv");
  ASSERT_EQ(table.rows.size(), 1u);
  const auto value = [&](const char* column) {
    return std::stod(table.rows[0][table.column(column, "label_noise.csv")]);
  };
  EXPECT_EQ(value("sensitivity"), 0.9);
  EXPECT_EQ(value("specificity"), 0.8);
  EXPECT_LT(value("reachable_auroc"), 1);
  EXPECT_GT(value("reachable_auroc"), 0.5);

  write_label_score(dir_ / "score.json", reviewed_labels("Is there a cat?"));
  ASSERT_EQ(probe("other", quick).exit_code, 0);
  EXPECT_THAT(read_text_file(dir_ / "other/label_noise.csv"), HasSubstr("all questions"))
      << "the quality of all stands in for a question that nobody reviewed";
  write_file_atomic(dir_ / "score.json", std::string_view("{\"kind\": \"label-score\""));
  const ProgramResult torn = probe("torn", quick);
  EXPECT_EQ(torn.exit_code, 1);
  EXPECT_THAT(torn.err, HasSubstr("score.json"));
}

TEST_F(PillarEvalProbe, WrongWordsAreUsageErrors) {
  const std::vector<std::vector<std::string>> calls = {{"--seed", "-1"},
                                                       {"--lr", "0"},
                                                       {"--solver", "sgd"},
                                                       {"--missing", "maybe"},
                                                       {"--l2", "0.1"},
                                                       {"--pages", "3"},
                                                       {"--solver", "lbfgs", "--init", "x.safetensors"},
                                                       {"--solver", "lbfgs", "--precision", "fp32"},
                                                       {"--bootstrap", "-5"}};
  for (const auto& words : calls) {
    const ProgramResult result = probe("run", words);
    EXPECT_EQ(result.exit_code, 2) << fmt::format("{}", fmt::join(words, " ")) << result.err;
    EXPECT_FALSE(fs::exists(dir_ / "run"));
  }
}

TEST_F(PillarEvalProbe, BrokenInputsAreNamed) {
  const auto expect = [&](const std::vector<std::string>& words, const std::string& fault) {
    const ProgramResult result = probe("run", words);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, AllOf(HasSubstr("error: "), HasSubstr(fault)));
    EXPECT_FALSE(fs::exists(dir_ / "run"));
  };
  expect({"--test-split", "nothing"}, "nothing: no embeddings there");
  expect({"--init", (dir_ / "labels.json").string()}, "labels.json");
  expect({"--questions", (dir_ / "labels.json").string()}, "labels.json");
  expect({"--patients", (dir_ / "none.csv").string()}, "none.csv");
  std::ofstream(dir_ / "the cache/embeddings/test/broken.npz") << "PK no zip";
  expect({}, "broken.npz");
}

TEST_F(PillarEvalProbe, OneBrokenEmbeddingIsNamedWithItsFault) {
  EmbeddingCache wide(dir_ / "other", "test", EmbeddingFormat::npz);
  wide.put("wide", at::full({5}, 1.0F));
  fs::copy_file(dir_ / "other/embeddings/test/wide.npz", dir_ / "the cache/embeddings/test/wide.npz");
  const ProgramResult result = probe("run");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("wide.npz"), HasSubstr("5 values")));
}

TEST(PillarEvalProbeGolden, TheProgramRepeatsThePublicEvaluator) {
  PILLAR_NEEDS_GOLDEN("rate/probe_50_epochs");
  const fs::path golden = test::golden("rate/probe_50_epochs");
  const TempDir dir;
  const ProgramResult result =
      run_program({"pillar-eval", "probe", "--embeddings", (golden / "cache").string(), "--labels",
                   (golden / "labels.json").string(), "--init", (golden / "probe.safetensors").string(),
                   "--epochs", "50", "--out", (dir / "run").string(), "--quiet"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json ours = Json::parse(read_text_file(dir / "run/summary_stats.json"));
  const Json theirs = Json::parse(read_text_file(golden / "expected/summary_stats.json"));
  EXPECT_NEAR(ours["drop_zeros_common_auc"].get<double>(), theirs["drop_zeros_common_auc"].get<double>(),
              1e-12);
}

}  // namespace
}  // namespace pillar
