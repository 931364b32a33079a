// zero-shot and retrieve as a user meets them. The model's projection is the identity and each scan's
// embedding is that of its report, so what must come out is known.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/embed/embedding_cache.h"
#include "pillar/text/text_cache.h"

#include "support/program.h"
#include "support/temp_dir.h"
#include "support/torch_file.h"

#include <cmath>

#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kWidth = 64;
constexpr const char* kFinding = "Is there an \"effusion\", <b>left</b>?";

class PillarEvalText : public ::testing::Test {
 protected:
  PillarEvalText() {
    write_reports();
    write_safetensors(
        dir_ / "model.safetensors",
        {{"text.proj.weight", at::eye(kWidth)}, {"logit_scale", at::full({}, std::log(10.0), at::kFloat)}});
    const TextCache text = TextCache::open(dir_ / "text");
    EmbeddingCache cache(dir_ / "cache", "test", EmbeddingFormat::npz);
    for (int study = 0; study < kStudies; ++study) cache.put(name_of(study), text.vector(name_of(study)));
  }

  static constexpr int kStudies = 12;
  static std::string name_of(int study) { return fmt::format("S/{:02}", study); }

  void write_reports() const {
    const std::vector<std::string> places = {"skull", "hand", "knee", "hip", "foot", "elbow"};
    std::string lines;
    Json labels;
    for (int study = 0; study < kStudies; ++study) {
      const bool effusion = study % 2 == 0;
      const std::string report = fmt::format(
          "{}. The {} was seen {}.", effusion ? "Pleural effusion on the left" : "No pleural effusion",
          places[static_cast<std::size_t>(study) / 2], effusion ? "today" : "yesterday");
      lines += Json{{"sample_name", name_of(study)}, {"report_metadata", report}}.dump() + "\n";
      labels[name_of(study)]["qa_results"]["Pleura"] = Json::array({{{kFinding, effusion ? "Yes" : "No"}}});
    }
    write_file_atomic(dir_ / "reports.jsonl", lines);
    write_file_atomic(dir_ / "labels.json", labels.dump());
    const auto made =
        run_program({"pillar-text", "embed", "--json", path("reports.jsonl"), "--out", path("text"),
                     "--provider", "hash", "--width", std::to_string(kWidth), "--quiet"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }

  void write_prompts(const std::vector<Json>& prompts) const {
    std::string lines;
    for (const Json& prompt : prompts) lines += prompt.dump() + "\n";
    write_file_atomic(dir_ / "prompts.jsonl", lines);
  }
  void write_pair() const {
    write_prompts({{{"sample_name", "yes"},
                    {"report_metadata", "Pleural effusion on the left"},
                    {"question", kFinding},
                    {"polarity", "positive"}},
                   {{"sample_name", "no"},
                    {"report_metadata", "No pleural effusion"},
                    {"question", kFinding},
                    {"polarity", "negative"}}});
  }

  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  ProgramResult run(const std::string& command, const std::vector<std::string>& more,
                    const std::string& model = "model.safetensors") const {
    std::vector<std::string> words = {"pillar-eval",  command,       "--model", path(model),
                                      "--embeddings", path("cache"), "--out",   path("run")};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  }
  ProgramResult zero_shot(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"--prompts", path("prompts.jsonl"), "--bootstrap", "50"};
    words.insert(words.end(), more.begin(), more.end());
    return run("zero-shot", words);
  }
  ProgramResult retrieve(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"--text", path("text"), "--bootstrap", "50"};
    words.insert(words.end(), more.begin(), more.end());
    return run("retrieve", words);
  }
  Json metrics() const { return Json::parse(read_text_file(dir_ / "run/metrics.json")); }
  std::string page() const { return read_text_file(dir_ / "run/report.html"); }

  TempDir dir_;
};

void expect_failed(const ProgramResult& result, int exit_code, const ::testing::Matcher<std::string>& words) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_THAT(result.err, words);
}

TEST_F(PillarEvalText, PairsOfPromptsAreEvaluated) {
  write_pair();
  const auto result =
      zero_shot({"--provider", "hash", "--text", path("text"), "--labels", path("labels.json")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("questions             1"), HasSubstr("macro AUROC           1.000")));
  const Json found = metrics();
  EXPECT_EQ(found["kind"], "zero-shot");
  EXPECT_EQ(found["macro"]["auroc"]["value"], 1);
  EXPECT_EQ(found["questions"][0]["question"], kFinding);
  EXPECT_EQ(found["questions"][0]["category"], "Pleura");
  EXPECT_TRUE(found["questions"][0]["train_positive"].is_null());
  EXPECT_EQ(found["settings"]["text provider"], "hash");
  EXPECT_EQ(found["settings"]["words weighted by reports"], "12");
  const CsvTable scores = read_csv(dir_ / "run/scores.csv");
  EXPECT_THAT(scores.header, ElementsAre("accession", "question", "score"));
  ASSERT_EQ(scores.rows.size(), 12u);
  EXPECT_GT(std::stod(scores.rows[0][2]), 0.5);
  EXPECT_LT(std::stod(scores.rows[1][2]), 0.5);
  EXPECT_THAT(read_csv(dir_ / "run/exam_probabilities.csv").header,
              ElementsAre("accession", "question", "probability", "prediction", "true_label"));
  EXPECT_EQ(read_csv(dir_ / "run/metrics.csv").rows.size(), 1u);
  EXPECT_THAT(page(), AllOf(HasSubstr("&lt;b&gt;left&lt;/b&gt;"), ::testing::Not(HasSubstr("<b>left</b>"))));

  const auto without = zero_shot({"--provider", "hash", "--text", path("text"), "--quiet"});
  ASSERT_EQ(without.exit_code, 0) << without.err;
  EXPECT_EQ(without.out, "");
  EXPECT_FALSE(metrics().contains("macro"));
  EXPECT_FALSE(fs::exists(dir_ / "run/exam_probabilities.csv"))
      << "what was evaluated before is not of this run";
  EXPECT_FALSE(fs::exists(dir_ / "run/metrics.csv"));
}

TEST_F(PillarEvalText, SinglePromptsHaveCosinesAndNoProbabilities) {
  write_prompts({{{"sample_name", "effusion"},
                  {"report_metadata", "Pleural effusion on the left"},
                  {"question", kFinding}}});
  const auto result =
      zero_shot({"--provider", "hash", "--text", path("text"), "--labels", path("labels.json")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(metrics()["macro"]["auroc"]["value"], 1);
  EXPECT_TRUE(metrics()["macro"]["brier"]["value"].is_null());
  EXPECT_EQ(read_csv(dir_ / "run/scores.csv").header[1], "prompt");
  EXPECT_FALSE(fs::exists(dir_ / "run/exam_probabilities.csv"));
}

TEST_F(PillarEvalText, ACacheOfPromptsIsAskedByTheLabels) {
  write_prompts(
      {{{"sample_name", fmt::format("{}|positive", kFinding)}, {"report_metadata", "Pleural effusion"}},
       {{"sample_name", fmt::format("{}|negative", kFinding)}, {"report_metadata", "No effusion"}}});
  ASSERT_EQ(run_program({"pillar-text", "embed", "--json", path("prompts.jsonl"), "--out", path("prompts"),
                         "--provider", "hash", "--width", std::to_string(kWidth), "--quiet"})
                .exit_code,
            0);
  ASSERT_EQ(
      run_program({"pillar-text", "pack", path("prompts"), "--out", path("packed.safetensors"), "--quiet"})
          .exit_code,
      0);
  for (const char* prompts : {"prompts", "packed.safetensors"}) {
    const auto result = run("zero-shot", {"--prompts", path(prompts), "--labels", path("labels.json")});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(metrics()["questions"][0]["question"], kFinding);
  }
  expect_failed(run("zero-shot", {"--prompts", path("prompts")}), 2, HasSubstr("--prompt-names"));
  write_file_atomic(dir_ / "names", fmt::format("{0}|positive\n{0}|negative\n", kFinding));
  EXPECT_EQ(run("zero-shot", {"--prompts", path("prompts"), "--prompt-names", path("names")}).exit_code, 0);
}

TEST_F(PillarEvalText, ABankOfAnotherWidthAndAModelWithoutTextsAreNamed) {
  const auto write_bank = [&](int width) {
    const std::string keys = "](" + test::pickled_text("a") + test::pickled_text("b") + "e";
    const std::string vectors = test::pickled({.sizes = {2, width}, .strides = {width, 1}});
    write_file_atomic(dir_ / "bank.pt",
                      test::torch_file(test::pickled_dict({{"keys", keys}, {"embeddings", vectors}}),
                                       {at::ones({2 * width})}));
  };
  write_bank(kWidth);
  const auto good = run("zero-shot", {"--prompts", path("bank.pt")});
  ASSERT_EQ(good.exit_code, 0) << good.err;
  EXPECT_EQ(read_csv(dir_ / "run/scores.csv").rows.size(), 24u);
  write_bank(96);
  expect_failed(run("zero-shot", {"--prompts", path("bank.pt")}), 1,
                AllOf(HasSubstr("bank.pt: vectors of 96 numbers"), HasSubstr("takes 64")));
  write_safetensors(dir_ / "images.safetensors", {{"logit_scale", at::zeros({})}});
  expect_failed(run("zero-shot", {"--prompts", path("bank.pt")}, "images.safetensors"), 1,
                HasSubstr("images.safetensors: no text projection"));
  write_safetensors(dir_ / "narrow.safetensors", {{"text.proj.weight", at::ones({32, 96})}});
  expect_failed(run("zero-shot", {"--prompts", path("bank.pt")}, "narrow.safetensors"), 1,
                AllOf(HasSubstr("to 32 numbers"), HasSubstr("have 64")));
}

TEST_F(PillarEvalText, PromptsThatAreNoneAreNamed) {
  write_prompts({{{"sample_name", "a"}, {"report_metadata", "fine"}},
                 {{"sample_name", "b"}, {"report_metadata", "..."}}});
  expect_failed(zero_shot({"--provider", "hash", "--text", path("text")}), 1,
                AllOf(HasSubstr("prompts.jsonl:2: prompt 'b'"), HasSubstr("without words")));
  write_pair();
  expect_failed(zero_shot({}), 2, HasSubstr("needs --url and --model-name"));
  expect_failed(zero_shot({"--provider", "hash", "--text", path("cache")}), 2,
                HasSubstr("hash-ngrams.safetensors"));
  expect_failed(zero_shot({"--provider", "hash", "--patients", path("p.csv")}), 2, HasSubstr("--labels"));
  EXPECT_FALSE(fs::exists(dir_ / "run"));
}

TEST_F(PillarEvalText, RetrievalFindsEachReportsScan) {
  const auto result = retrieve({});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("pairs           12"), HasSubstr("recall at 1   1.000 (1.000 to 1.000)")));
  const Json found = metrics();
  EXPECT_EQ(found["kind"], "retrieve");
  EXPECT_EQ(found["image_to_text"]["median_rank"]["value"], 1);
  EXPECT_FALSE(found.contains("query"));
  const CsvTable ranks = read_csv(dir_ / "run/ranks.csv");
  ASSERT_EQ(ranks.rows.size(), 12u);
  EXPECT_THAT(ranks.rows[0], ElementsAre("S/00", "1", "1"));
}

TEST_F(PillarEvalText, TheNearestStudiesOfAQuery) {
  const auto of_study = retrieve({"--query", "S/00", "--nearest", "5"});
  ASSERT_EQ(of_study.exit_code, 0) << of_study.err;
  const CsvTable near = read_csv(dir_ / "run/nearest.csv");
  ASSERT_EQ(near.rows.size(), 5u);
  for (const auto& row : near.rows) EXPECT_NE(row[0], "S/00");
  EXPECT_THAT(page(), HasSubstr("Nearest studies"));

  const auto of_words = retrieve({"--report", "Pleural effusion on the left. The <knee> was seen today.",
                                  "--provider", "hash", "--nearest", "1"});
  ASSERT_EQ(of_words.exit_code, 0) << of_words.err;
  EXPECT_EQ(metrics()["query"]["kind"], "report");
  EXPECT_EQ(read_csv(dir_ / "run/nearest.csv").rows[0][0], "S/04");
  EXPECT_THAT(page(), HasSubstr("&lt;knee&gt;"));
}

TEST_F(PillarEvalText, QueriesThatCannotBeAnswered) {
  expect_failed(retrieve({"--query", "S/0"}), 2,
                AllOf(HasSubstr("'S/0'"), HasSubstr("did you mean 'S/00'?")));
  expect_failed(retrieve({"--query", "S/00", "--report", "x"}), 2, HasSubstr("excludes"));
  expect_failed(retrieve({"--report", "...", "--provider", "hash"}), 1, HasSubstr("without words"));
  expect_failed(retrieve({"--samples", path("x")}), 2, HasSubstr("--query or --report"));
  expect_failed(retrieve({"--split", "valid"}), 1, HasSubstr("valid: no embeddings there"));
  expect_failed(run("retrieve", {"--text", path("nowhere")}), 1, HasSubstr("nowhere"));
  write_file_atomic(dir_ / "others.jsonl",
                    std::string_view("{\"sample_name\":\"X\",\"report_metadata\":\"y\"}\n"));
  ASSERT_EQ(run_program({"pillar-text", "embed", "--json", path("others.jsonl"), "--out", path("others"),
                         "--provider", "hash", "--width", std::to_string(kWidth), "--quiet"})
                .exit_code,
            0);
  expect_failed(run("retrieve", {"--text", path("others")}), 1, HasSubstr("none of the 12 studies"));
  EXPECT_FALSE(fs::exists(dir_ / "run"));
}

TEST_F(PillarEvalText, AQwen3ModelInAFolderReadsWords) {
  ASSERT_EQ(run_program({"pillar-train", "init", "--arch", "qwen3-tiny", "--out", path("tiny")}).exit_code,
            0);
  write_pair();
  const std::vector<std::string> provider = {"--provider", "qwen3",    "--model-text",
                                             path("tiny"), "--device", "cpu"};
  const auto prompts = zero_shot(provider);
  ASSERT_EQ(prompts.exit_code, 0) << prompts.err;
  EXPECT_EQ(metrics()["settings"]["text provider"], "qwen3");
  EXPECT_EQ(metrics()["settings"]["text pooling"], "mean");
  std::vector<std::string> words = {"--report", "Pleural effusion.", "--pooling",
                                    "last",     "--instruct",        "Find the scan of a report"};
  words.insert(words.end(), provider.begin(), provider.end());
  const auto report = retrieve(words);
  ASSERT_EQ(report.exit_code, 0) << report.err;
  EXPECT_EQ(metrics()["settings"]["text pooling"], "last");
  EXPECT_EQ(metrics()["settings"]["text instruction"], "Find the scan of a report");
  expect_failed(retrieve({"--report", "x", "--provider", "qwen3"}), 2, HasSubstr("needs --model-text"));
}

}  // namespace
}  // namespace pillar
