// probe, predict, compare and report as a user meets them.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/embed/embedding_cache.h"

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
