// pillar-rate as a user meets it, with a language model's server of the test's own.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/core/write_lock.h"
#include "pillar/labels/labels.h"

#include "support/chat_server.h"
#include "support/program.h"
#include "support/temp_dir.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::ChatServer;
using test::ProgramResult;
using test::run_program;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kQuestionList = R"(categories:
  Chest:
    description: Lungs
    questions: ["Is there a nodule?", "Is there an effusion?"]
  Abdomen:
    description: Kidneys
    questions: ["Is there a stone?"]
)";

class PillarRate : public ::testing::Test {
 protected:
  PillarRate() {
    std::string text = "Accession,Report Text\n";
    for (int i = 0; i < 60; ++i) {
      text += fmt::format("{:04},\"Secretname{} was seen.{}{}\"\n", i, i, i % 2 == 0 ? " A nodule." : "",
                          i % 3 == 0 ? " A stone." : "");
    }
    write_file_atomic(dir_ / "reports.csv", text);
    write_file_atomic(dir_ / "questions.yaml", std::string_view(kQuestionList));
  }

  std::vector<std::string> extract_words(const std::string& out, const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"pillar-rate", "extract",
                                      "--reports",   (dir_ / "reports.csv").string(),
                                      "--questions", (dir_ / "questions.yaml").string(),
                                      "--out",       (dir_ / out).string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::vector<std::string> server_words(const ChatServer& server, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"--url", server.url(), "--model", "m", "--retry-wait", "0.01"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string bytes(const std::string& name) const { return read_text_file(dir_ / name); }

  TempDir dir_;
};

TEST_F(PillarRate, KilledAtAnyMomentItEndsAsIfUndisturbed) {
  const ChatServer server;
  const auto whole = run_program(extract_words("whole", server_words(server)));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("60 reports, 3 questions: 420 answers"));
  const ChatServer second;
  const auto words = extract_words("killed", server_words(second, {"--max-concurrency", "2"}));
  for (const int milliseconds : {250, 320, 390, 460, 530}) test::run_and_kill(words, milliseconds);
  const auto rest = run_program(words);
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  for (const char* name : {"no_comparisons.csv", "findings.csv", "category_findings.csv", "questions.csv",
                           "final_results.json", "labels.json", "missing.csv", "failures.csv"})
    EXPECT_EQ(bytes(std::string("killed/") + name), bytes(std::string("whole/") + name)) << name;
  EXPECT_LE(second.stats().again, 5 * 2) << "only what was under way may be asked twice";
  for (const auto& entry : fs::directory_iterator(dir_ / "killed"))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".partial")) << entry.path();
}

TEST_F(PillarRate, NeitherTheKeyNorAReportIsEverShown) {
  const ChatServer server({"--faults", "429,500,503,truncated,content_type,redirect,refusal", "--share",
                           "0.5", "--key", "secret-key-1"});
  ::setenv("PILLAR_RATE_KEY", "secret-key-1", 1);
  const std::vector<std::string> traced = {"--api-key-env", "PILLAR_RATE_KEY", "--log-level", "trace"};
  const auto result = run_program(extract_words("out", server_words(server, traced)));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out + result.err, AllOf(Not(HasSubstr("secret-key")), Not(HasSubstr("Secretname"))));
  EXPECT_THAT(bytes("out/journal.rate"), Not(HasSubstr("secret-key")));
  ::setenv("PILLAR_RATE_KEY", "wrong-key-22", 1);
  const auto wrong = run_program(extract_words("other", server_words(server, traced)));
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err,
              AllOf(HasSubstr("HTTP 401"), Not(HasSubstr("wrong-key")), Not(HasSubstr("Secretname"))));
}

TEST_F(PillarRate, FilesAreTheOwnersUnlessModeSaysOtherwise) {
  const ChatServer server;
  ASSERT_EQ(run_program(extract_words("own", server_words(server))).exit_code, 0);
  for (const auto& entry : fs::directory_iterator(dir_ / "own"))
    EXPECT_EQ(fs::status(entry).permissions(), fs::perms(0600)) << entry.path();
  ASSERT_EQ(run_program(extract_words("shared", server_words(server, {"--mode", "640"}))).exit_code, 0);
  EXPECT_EQ(fs::status(dir_ / "shared/labels.json").permissions(), fs::perms(0640));
  EXPECT_EQ(fs::status(dir_ / "shared").permissions(), fs::perms(0750));
  const auto odd = run_program(extract_words("odd", server_words(server, {"--mode", "rw"})));
  EXPECT_EQ(odd.exit_code, 2);
  EXPECT_THAT(odd.err, HasSubstr("octal"));
}

TEST_F(PillarRate, WhatIsGivenUpIsListedAndExitsWithThree) {
  const ChatServer server({"--faults", "500", "--share", "0.2"});
  const auto result = run_program(extract_words("out", server_words(server, {"--retries", "0"})));
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("given up"), HasSubstr("failures.csv")));
  const CsvTable failures = read_csv(dir_ / "out/failures.csv");
  ASSERT_FALSE(failures.rows.empty());
  EXPECT_THAT(failures.rows[0][4], HasSubstr("HTTP 500"));
  EXPECT_EQ(run_program(extract_words("out", server_words(server))).exit_code, 0) << "then it is asked again";
}

TEST_F(PillarRate, WithoutAServerOrInAFolderInUseItSaysSo) {
  const auto nobody = run_program(extract_words(
      "out", {"--url", "http://127.0.0.1:9", "--model", "m", "--retry-wait", "0.01", "--retries", "2"}));
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("http://127.0.0.1:9"));
  const WriteLock lock = WriteLock::of_folder(dir_ / "used");
  const auto used = run_program(extract_words("used", {"--url", "http://127.0.0.1:9", "--model", "m"}));
  EXPECT_EQ(used.exit_code, 2);
  EXPECT_THAT(used.err, HasSubstr("used"));
}

TEST_F(PillarRate, ThePublicConfigurationGivesWhatFlagsDoNot) {
  const ChatServer server;
  const std::string port = server.url().substr(server.url().rfind(':') + 1);
  write_file_atomic(
      dir_ / "config.yaml",
      "model: {name: public-model, temperature: 0.1, top_p: 0.1, max_tokens: 64}\n"
      "server: {base_url: 'http://127.0.0.1', port: " +
          port +
          "}\nprocessing: {batch-size: 1024, max_retries: 2, retry_delay: 0, max_concurrency: "
          "4, validation: {enabled: true}, storage: {x: 1}}\n"
          "prompt_templates: {findings_question: \"REPORT\\n{report}\\nEND OF REPORT\\n\\nQuestion: "
          "{question}\\nYes or No?\"}\n");
  const std::string config = (dir_ / "config.yaml").string();
  const auto result = run_program(extract_words("out", {"--config", config}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(bytes("out/journal.rate"),
              AllOf(HasSubstr("public-model"), HasSubstr("\"max_tokens\":\"64\"")));
  const auto other = run_program(extract_words("flag", {"--model", "mine", "--config", config}));
  ASSERT_EQ(other.exit_code, 0) << other.err;
  EXPECT_THAT(bytes("flag/journal.rate"), HasSubstr("\"model\":\"mine\""));
}

TEST_F(PillarRate, RulesLabelAPhantomCohortAndSayWhatTheyAre) {
  const std::string cohort = (dir_ / "cohort").string();
  ASSERT_EQ(run_program({"pillar-phantom", "--out", cohort, "--studies", "40", "--size", "16", "--quiet"})
                .exit_code,
            0);
  const fs::path configs = fs::read_symlink("/proc/self/exe").parent_path() / "../share/pillar/configs/rate";
  const auto result = run_program(
      {"pillar-rate", "extract", "--reports", cohort + "/train.jsonl", cohort + "/valid.jsonl",
       cohort + "/test.jsonl", "--questions", (configs / "phantom_chest_abdomen.yaml").string(), "--out",
       (dir_ / "out").string(), "--provider", "rules", "--rules", (configs / "phantom_rules.yaml").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const LabelTable made = load_labels(dir_ / "out/labels.json"), truth = load_labels(cohort + "/labels.json");
  ASSERT_EQ(made.questions, truth.questions);
  ASSERT_EQ(made.rows.size(), truth.rows.size());
  for (const auto& [accession, row] : made.rows)
    EXPECT_EQ(made.answers[row], truth.answers[truth.rows.at(accession)]) << accession;
  for (const char* name : {"no_comparisons.csv", "findings.csv", "category_findings.csv", "questions.csv",
                           "final_results.json", "labels.json", "missing.csv", "journal.rate"})
    EXPECT_THAT(bytes(std::string("out/") + name),
                HasSubstr(name == std::string("missing.csv") ? "provider" : "no language model"))
        << name;
}

}  // namespace
}  // namespace pillar
