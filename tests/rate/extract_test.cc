// Extractions by a language model's server, with and without faults.
#include "pillar/rate/extract.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/labels/labels.h"

#include "small_cohort.h"
#include "support/expect_error.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using nlohmann::json;
using test::ChatServer;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kDerived[] = {"no_comparisons.csv", "findings.csv",       "category_findings.csv",
                                    "questions.csv",      "final_results.json", "labels.json",
                                    "missing.csv"};

class Extract : public ::testing::Test {
 protected:
  Extract() { test::write_small_cohort(dir_.path(), 30); }
  ExtractOptions options(const ChatServer& server) const {
    return test::small_options(dir_.path(), server.url());
  }
  CsvTable table(const char* name) const { return read_csv(dir_ / "out" / name); }
  TempDir dir_;
};

TEST_F(Extract, AllStagesMakeThePublicFilesAndLabels) {
  const ChatServer server;
  const ExtractSummary summary = run_rate_extract(options(server));
  EXPECT_EQ(summary.reports, 30);
  EXPECT_EQ(summary.questions, 3);
  EXPECT_EQ(summary.asked, 30 * (1 + 1 + 2 + 3));
  EXPECT_EQ(summary.given_up, 0);
  EXPECT_GT(summary.tokens_in, 0);
  EXPECT_THAT(table("no_comparisons.csv").header, ElementsAre("report_id", "no_comparison_text"));
  EXPECT_THAT(table("findings.csv").header, ElementsAre("report_id", "findings"));
  EXPECT_THAT(table("category_findings.csv").header, ElementsAre("report_id", "category", "findings"));
  const CsvTable questions = table("questions.csv");
  EXPECT_THAT(questions.header, ElementsAre("report_id", "category", "question_id", "question", "answer"));
  ASSERT_EQ(questions.rows.size(), 90u);
  EXPECT_THAT(questions.rows[0], ElementsAre("0000", "Chest", "65031423", "Is there a nodule?", "Yes"));
  const json results = json::parse(read_text_file(dir_ / "out/final_results.json"));
  ASSERT_EQ(results.size(), 30u);
  for (const char* key : {"raw_text", "no_comparison_text", "findings_text", "category_findings",
                          "qa_results", "processing_time"})
    EXPECT_TRUE(results["0001"].contains(key)) << key;
  EXPECT_EQ(results["0005"]["qa_results"]["Abdomen"][0]["Is there a stone?"], "Yes");
  const LabelTable labels = load_labels(dir_ / "out/labels.json");
  EXPECT_THAT(labels.questions,
              ElementsAre("Is there a nodule?", "Is there a stone?", "Is there an effusion?"));
  EXPECT_THAT(labels.answers[labels.rows.at("0005")], ElementsAre(0, 1, 0));
  EXPECT_THAT(labels.answers[labels.rows.at("0010")], ElementsAre(1, 0, 0)) << "maybe is no Yes";
}

TEST_F(Extract, RunAgainItAsksNothing) {
  const ChatServer server;
  run_rate_extract(options(server));
  const std::string before = test::bytes_of(dir_ / "out/final_results.json");
  const ExtractSummary again = run_rate_extract(options(server));
  EXPECT_EQ(again.asked, 0);
  EXPECT_EQ(again.kept, 30 * 7);
  EXPECT_EQ(test::bytes_of(dir_ / "out/final_results.json"), before);
  EXPECT_EQ(server.stats().again, 0);
}

TEST_F(Extract, EveryFaultIsSurvivedAndTheFilesAreThoseOfAHealthyServer) {
  const ChatServer healthy, faulty({"--faults", "all", "--share", "0.3", "--seed", "5", "--hang", "2.5"});
  run_rate_extract(options(healthy));
  ExtractOptions second = options(faulty);
  second.out = dir_ / "second";
  second.server.timeout_s = 2;
  const ExtractSummary summary = run_rate_extract(second);
  EXPECT_EQ(summary.given_up, 0);
  EXPECT_EQ(faulty.stats().faults.size(), 13u) << "a kind of fault that the plan does not hold";
  for (const char* name : kDerived)
    EXPECT_TRUE(test::bytes_of(dir_ / "second" / name) == test::bytes_of(dir_ / "out" / name)) << name;
}

TEST_F(Extract, ACategoryInOneRequestGivesTheSameLabels) {
  const ChatServer server;
  ExtractOptions by_question = options(server);
  by_question.stages = {RateStage::process_questions};
  run_rate_extract(by_question);
  ExtractOptions by_category = by_question;
  by_category.ask = AskBy::category;
  by_category.out = dir_ / "second";
  const ExtractSummary summary = run_rate_extract(by_category);
  EXPECT_EQ(summary.asked, 60) << "two categories a report";
  for (const char* name : {"questions.csv", "labels.json"})
    EXPECT_EQ(test::bytes_of(dir_ / "second" / name), test::bytes_of(dir_ / "out" / name)) << name;
}

TEST_F(Extract, TriStateHasQuotesThatStandInTheReport) {
  const ChatServer server;
  ExtractOptions tri_state = options(server);
  tri_state.stages = {RateStage::process_questions};
  tri_state.answers = AnswerKind::tri_state;
  run_rate_extract(tri_state);
  const CsvTable evidence = table("evidence.csv");
  ASSERT_EQ(evidence.rows.size(), 90u);
  EXPECT_THAT(evidence.rows[2],
              ElementsAre("0000", "4e0dfca5", "Is there a stone?", "Uncertain", "stone", "yes"));
  const LabelTable labels = load_labels(dir_ / "out/labels.json");
  EXPECT_THAT(labels.answers[labels.rows.at("0000")], ElementsAre(1, -1, 1)) << "Uncertain is no label";
}

TEST_F(Extract, LogprobsSayHowProbableAYesWas) {
  const ChatServer server;
  ExtractOptions with = options(server);
  with.stages = {RateStage::process_questions};
  with.logprobs = true;
  run_rate_extract(with);
  const CsvTable table = read_csv(dir_ / "out/probabilities.csv");
  ASSERT_EQ(table.rows.size(), 90u);
  EXPECT_NEAR(std::stod(table.rows[0][3]), std::exp(-0.1) / (std::exp(-0.1) + std::exp(-2.5)), 1e-5);
}

TEST_F(Extract, AnswersOfAnOfflineEngineComeThroughFiles) {
  const ChatServer server;
  ExtractOptions asked = options(server);
  asked.stages = {RateStage::process_questions};
  asked.server.url.clear();
  asked.write_requests = dir_ / "requests.jsonl";
  EXPECT_EQ(run_rate_extract(asked).written_requests, 90);
  // Every response is Yes but the first, which is unclear, and the last, which is not there.
  std::string responses;
  std::size_t number = 0;
  const std::string requests = read_text_file(dir_ / "requests.jsonl");
  for (std::size_t begin = 0; begin < requests.size() && number < 89; ++number) {
    const std::size_t end = requests.find('\n', begin);
    const json request = json::parse(requests.substr(begin, end - begin));
    EXPECT_EQ(request["url"], "/v1/chat/completions");
    const json message = {{"role", "assistant"}, {"content", number == 0 ? "Hm" : "Yes"}};
    const json body = {{"choices", json::array({{{"message", message}}})}};
    responses +=
        json{{"custom_id", request["custom_id"]}, {"response", {{"status_code", 200}, {"body", body}}}}
            .dump() +
        "\n";
    begin = end + 1;
  }
  write_file_atomic(dir_ / "responses.jsonl", responses);
  ExtractOptions read = asked;
  read.write_requests.clear();
  read.read_responses = dir_ / "responses.jsonl";
  read.provider = RateProvider::responses;
  const ExtractSummary summary = run_rate_extract(read);
  EXPECT_EQ(summary.asked, 89);
  EXPECT_EQ(summary.given_up, 2) << "one to be asked again, one without a response";
  EXPECT_EQ(table("questions.csv").rows.size(), 88u);
  EXPECT_EQ(run_rate_extract(asked).written_requests, 2);
  EXPECT_THAT(read_text_file(dir_ / "requests.jsonl"), HasSubstr("again"));
}

TEST_F(Extract, AStageWithoutTheOneBeforeIsRefused) {
  const ChatServer server;
  ExtractOptions alone = options(server);
  alone.stages = {RateStage::map_categories};
  EXPECT_PILLAR_ERROR(run_rate_extract(alone), ErrorCategory::usage,
                      AllOf(HasSubstr("map-categories"), HasSubstr("extract-findings")));
}

TEST_F(Extract, AJournalOfAnotherModelPromptOrReportIsRefused) {
  const ChatServer server;
  ExtractOptions first = options(server);
  first.stages = {RateStage::process_questions};
  run_rate_extract(first);
  ExtractOptions other = first;
  other.server.model = "m2";
  EXPECT_PILLAR_ERROR(run_rate_extract(other), ErrorCategory::usage, HasSubstr("model: 'm' then, 'm2' now"));
  write_file_atomic(dir_ / "mine.yaml", "prompt_templates: {strict_answer: Yes or No!}\n");
  other = first;
  other.prompts.push_back(dir_ / "mine.yaml");
  EXPECT_PILLAR_ERROR(run_rate_extract(other), ErrorCategory::usage, HasSubstr("prompts: "));
  other.restart = true;
  EXPECT_EQ(run_rate_extract(other).asked, 90);
  write_file_atomic(dir_ / "reports.csv", "Accession,Report Text\n0000,Another report\n");
  EXPECT_PILLAR_ERROR(run_rate_extract(first), ErrorCategory::usage, HasSubstr("prompts: "));
  other.restart = false;
  EXPECT_PILLAR_ERROR(run_rate_extract(other), ErrorCategory::usage,
                      AllOf(HasSubstr("accession 0000 had another report"), HasSubstr("--restart")));
}

TEST_F(Extract, PromptsThatLackAPlaceAreRefusedByKey) {
  const ChatServer server;
  write_file_atomic(dir_ / "mine.yaml", "prompt_templates: {findings_question: 'Say {question}'}\n");
  ExtractOptions mine = options(server);
  mine.prompts.push_back(dir_ / "mine.yaml");
  EXPECT_PILLAR_ERROR(run_rate_extract(mine), ErrorCategory::input,
                      AllOf(HasSubstr("mine.yaml:1"), HasSubstr("findings_question"), HasSubstr("{report}")));
}

}  // namespace
}  // namespace pillar
