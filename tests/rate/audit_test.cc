#include "pillar/rate/audit.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/rate/agree.h"

#include "rate/audit_sample.h"
#include "rate/json_cursor.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using nlohmann::ordered_json;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// 100 reports: "Rare?" is Yes of every tenth, "Often?" of every second.
void write_results(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  ordered_json results;
  for (int i = 0; i < 100; ++i) {
    const auto answer = [](bool yes) { return yes ? "Yes" : "No"; };
    ordered_json& report = results[fmt::format("A/{:03}", i)];
    report["raw_text"] = fmt::format("Report \"{}\" </script> of\nsomebody", i);
    report["no_comparison_text"] = "without";
    report["findings_text"] = "findings";
    report["category_findings"] = {{"Chest", i % 4 == 0 ? "A nodule." : "No relevant findings"}};
    report["qa_results"]["Chest"] =
        ordered_json::array({ordered_json::object({{"Rare?", answer(i % 10 == 0)}}),
                             ordered_json::object({{"Often?", answer(i % 2 == 0)}})});
    report["processing_time"] = 0.5;
  }
  write_file_atomic(folder / "final_results.json", results.dump(1));
}

class Audit : public ::testing::Test {
 protected:
  Audit() { write_results(dir_ / "results"); }
  AuditOptions options(const char* out = "audit") const {
    AuditOptions options;
    options.results = dir_ / "results";
    options.out = dir_ / out;
    return options;
  }
  // Fills human_label by what `say` makes of the row.
  template <typename Say>
  void answer(const char* folder, const Say& say) const {
    const auto file = dir_ / folder / "questions_qc.csv";
    CsvTable table = read_csv(file);
    for (auto& row : table.rows) row[4] = say(row);
    write_csv(file, table);
  }
  LabelScore score(const std::vector<std::string>& folders) {
    ScoreOptions options;
    for (const std::string& folder : folders) options.audits.push_back(dir_ / folder);
    options.out = dir_ / "score";
    options.bootstrap.replicates = 100;
    notes_.clear();
    return score_rate_audits(options, notes_);
  }
  TempDir dir_;
  Notes notes_;
};

TEST_F(Audit, WritesThePublicFilesAndAPage) {
  const AuditSummary summary = write_rate_audit(options());
  EXPECT_EQ(summary.questions, 50);
  EXPECT_EQ(summary.categories, 10);
  EXPECT_EQ(summary.findings, 40);
  EXPECT_THAT(read_csv(dir_ / "audit/combined_findings_qc.csv").header,
              ElementsAre("query_id", "raw_text", "no_comparison_text", "findings", "no_comparison_correct",
                          "findings_correct"));
  EXPECT_THAT(read_csv(dir_ / "audit/categories_qc.csv").header,
              ElementsAre("query_id", "category", "raw_text", "category_finding", "correct"));
  const CsvTable questions = read_csv(dir_ / "audit/questions_qc.csv");
  EXPECT_THAT(questions.header,
              ElementsAre("query_id", "question", "raw_text", "predicted_label", "human_label"));
  int yes = 0;
  for (const auto& row : questions.rows) {
    yes += row[3] == "Yes";
    EXPECT_THAT(row[2], HasSubstr("of\nsomebody"));
  }
  EXPECT_EQ(yes, 25);
  int with_findings = 0;
  for (const auto& row : read_csv(dir_ / "audit/categories_qc.csv").rows)
    with_findings += row[3] == "A nodule.";
  EXPECT_EQ(with_findings, 7);
  const std::string page = read_text_file(dir_ / "audit/review.html");
  EXPECT_THAT(page, AllOf(HasSubstr("Content-Security-Policy"), HasSubstr("\\u003c/script>"),
                          Not(HasSubstr("http://")), Not(HasSubstr("https://"))));
}

TEST_F(Audit, TheSameSeedDrawsTheSameAndAnAuditIsNeverOverwritten) {
  write_rate_audit(options());
  write_rate_audit(options("again"));
  EXPECT_EQ(read_text_file(dir_ / "audit/audit.csv"), read_text_file(dir_ / "again/audit.csv"));
  AuditOptions other = options("other");
  other.seed = 43;
  write_rate_audit(other);
  EXPECT_NE(read_text_file(dir_ / "audit/audit.csv"), read_text_file(dir_ / "other/audit.csv"));
  EXPECT_PILLAR_ERROR(write_rate_audit(options()), ErrorCategory::usage, HasSubstr("has an audit"));
}

// Over many draws, the weights of what was drawn add up to what there is: of every question and label.
TEST_F(Audit, WeightsAreUnbiased) {
  const RateResults results = read_rate_results(dir_ / "results/final_results.json");
  std::map<std::pair<std::string, bool>, double> sums;
  constexpr int kDraws = 2000;
  for (int seed = 0; seed < kDraws; ++seed) {
    std::set<std::pair<std::size_t, std::size_t>> seen;
    for (const DrawnLabel& label :
         draw_labels(results, 10, AuditStrata::predicted, static_cast<std::uint64_t>(seed))) {
      sums[{results.questions[label.question], label.predicted}] += label.weight / kDraws;
      EXPECT_TRUE(seen.emplace(label.report, label.question).second) << "drawn twice";
    }
  }
  EXPECT_NEAR((sums[{"Rare?", true}]), 10, 0.5);
  EXPECT_NEAR((sums[{"Often?", true}]), 50, 2);
  EXPECT_NEAR((sums[{"Rare?", false}]), 90, 4);
  EXPECT_NEAR((sums[{"Often?", false}]), 50, 2);
}

TEST_F(Audit, MoreThanThereIsTakesAll) {
  const RateResults results = read_rate_results(dir_ / "results/final_results.json");
  for (const AuditStrata strata : {AuditStrata::predicted, AuditStrata::none}) {
    const auto drawn = draw_labels(results, 1000, strata, 1);
    EXPECT_EQ(drawn.size(), 200u);
    for (const DrawnLabel& label : drawn) EXPECT_DOUBLE_EQ(label.weight, 1);
  }
}

TEST_F(Audit, ScoresTheAnswersOfReviewersByWeight) {
  write_rate_audit(options());
  // The reviewer says that a No of "Rare?" was a Yes once.
  bool changed = false;
  answer("audit", [&](const std::vector<std::string>& row) {
    if (row[1] == "Rare?" && row[3] == "No" && !changed) {
      changed = true;
      return std::string("Yes");
    }
    return row[3];
  });
  const LabelScore result = score({"audit"});
  EXPECT_EQ(result.overall.items, 50);
  EXPECT_EQ(result.overall.false_negatives, 1);
  EXPECT_NEAR(result.overall.unweighted.sensitivity.value, 25.0 / 26, 1e-12);
  // It stands for 2 * 90 / 25 labels; the 25 Yes for 2 * 10 / 25 or 2 * 50 / 25 each.
  EXPECT_LT(result.overall.weighted.sensitivity.value, result.overall.unweighted.sensitivity.value);
  ASSERT_EQ(result.questions.size(), 2u);
  EXPECT_EQ(result.questions[1].name, "Rare?");
  EXPECT_EQ(result.categories.at(0).name, "Chest");
  EXPECT_TRUE(std::filesystem::exists(dir_ / "score/score.html"));
  EXPECT_EQ(read_label_score(dir_ / "score/score.json").overall.items, 50);
  EXPECT_EQ(read_csv(dir_ / "score/score.csv").rows.size(), 2u * (1 + 1 + 2));
}

TEST_F(Audit, TwoReviewersOfOneSampleAgreeOrDispute) {
  write_rate_audit(options("anna"));
  write_rate_audit(options("ben"));
  answer("anna", [](const std::vector<std::string>& row) { return row[3]; });
  std::string page = "query_id,field,answer\n";
  for (const auto& row : read_csv(dir_ / "ben/questions_qc.csv").rows) {
    const bool other = row[0] == "Q0001", none = row[0] == "Q0002";
    page += fmt::format("{},human_label,{}\n", row[0],
                        none                         ? "unsure"
                        : (row[3] == "Yes") != other ? "yes"
                                                     : "no");
  }
  page += "C0001,correct,no\nC0002,correct,yes\n";
  write_file_atomic(dir_ / "ben/review-Ben.csv", page);
  const LabelScore result = score({"anna", "ben"});
  EXPECT_EQ(result.disputed, 1);
  EXPECT_EQ(result.overall.items, 49);
  ASSERT_EQ(result.reviewers.size(), 1u);
  EXPECT_EQ(result.reviewers[0].first, "Ben");
  EXPECT_EQ(result.reviewers[0].items, 49);
  EXPECT_EQ(result.reviewers[0].agreed, 48);
  ASSERT_EQ(result.texts.size(), 1u);
  EXPECT_EQ(result.texts[0].correct, 1);
}

TEST_F(Audit, AFolderOfThePublicEngineIsScoredWithoutWeights) {
  write_rate_audit(options());
  answer("audit", [](const std::vector<std::string>& row) { return row[3]; });
  std::filesystem::remove(dir_ / "audit/audit.csv");
  for (const char* name : {"categories_qc.csv", "combined_findings_qc.csv"})
    std::filesystem::remove(dir_ / "audit" / name);
  EXPECT_EQ(score({"audit"}).overall.items, 50);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_THAT(notes_[0], HasSubstr("every answer weighs the same"));
}

TEST_F(Audit, FaultsOfReviewsNameFileAndRow) {
  write_rate_audit(options());
  EXPECT_PILLAR_ERROR(score({"audit"}), ErrorCategory::input, HasSubstr("nothing has been answered"));
  const auto page = [&](const std::string& lines) {
    write_file_atomic(dir_ / "audit/review-X.csv", "query_id,field,answer\n" + lines);
  };
  page("Q0001,human_label,perhaps\n");
  EXPECT_PILLAR_ERROR(score({"audit"}), ErrorCategory::input,
                      AllOf(HasSubstr("review-X.csv"), HasSubstr("row 1"), HasSubstr("'perhaps'")));
  page("Q0001,human_label,yes\nQ0001,human_label,no\n");
  EXPECT_PILLAR_ERROR(score({"audit"}), ErrorCategory::input, AllOf(HasSubstr("row 2"), HasSubstr("again")));
  page("Q9999,human_label,yes\n");
  EXPECT_PILLAR_ERROR(score({"audit"}), ErrorCategory::input, HasSubstr("no query of this audit"));
  page("Q0001,label,yes\n");
  EXPECT_PILLAR_ERROR(score({"audit"}), ErrorCategory::input, HasSubstr("no field"));
}

TEST_F(Audit, ResultsThatAreNoneAreRefusedByByte) {
  const auto refused = [&](const std::string& text, const std::string& fault) {
    write_file_atomic(dir_ / "results/final_results.json", text);
    EXPECT_PILLAR_ERROR(write_rate_audit(options("bad")), ErrorCategory::input,
                        AllOf(HasSubstr("final_results.json"), HasSubstr(fault)));
  };
  refused("", "'{'");
  refused("{}", "no report");
  refused("{\"A\": ", "at byte");
  refused("{\"A\": {\"raw_text\": \"never ends", "the end of a string");
  refused("{\"A\": {}, \"A\": {}}", "in it twice");
  refused("{\"A\": {\"x\": [[[[}}}}", "at byte");
  refused("{\"A\": {}} more", "nothing more");
}

TEST(JsonCursor, PassesOverWhatItIsNotAskedFor) {
  JsonCursor cursor(R"({"a": [1, {"b": "}]\""}], "c": "x\n\u00e4", "d": -1.5e3 , "e": null})", "a.json");
  std::map<std::string, std::string> seen;
  cursor.members([&](std::string_view key) { seen[std::string(key)] = cursor.value(); });
  EXPECT_TRUE(cursor.at_end());
  EXPECT_EQ(seen["a"], R"([1, {"b": "}]\""}])");
  EXPECT_EQ(unescaped_json(std::string_view(seen["c"]).substr(1, seen["c"].size() - 2)), "x\nä");
  EXPECT_EQ(seen["d"], "-1.5e3");
}

TEST(LabelAgreementOfTwoFiles, CountsWhatBothHaveAndNamesWhatDiffers) {
  TempDir dir;
  const auto label = [](const char* q1, const char* q2) {
    return fmt::format(R"({{"qa_results": {{"C": [{{"Q1": "{}"}}, {{"Q2": "{}"}}]}}}})", q1, q2);
  };
  write_file_atomic(dir / "a.json", fmt::format(R"({{"S1": {}, "S2": {}, "S3": {}}})", label("Yes", "No"),
                                                label("Yes", "No"), label("No", "No")));
  write_file_atomic(dir / "b.json",
                    fmt::format(R"({{"S3": {}, "S2": {}, "S4": {}}})", label("No", "Yes"), label("No", "No"),
                                R"({"qa_results": {"C": [{"Q3": "No"}]}})"));
  const LabelAgreement agreement = compare_labels(dir / "a.json", dir / "b.json");
  EXPECT_EQ(agreement.studies, 2);
  EXPECT_EQ(agreement.first_studies, 1);
  EXPECT_EQ(agreement.second_studies, 1);
  EXPECT_EQ(agreement.questions_left_out, 1);
  ASSERT_EQ(agreement.questions.size(), 2u);
  EXPECT_THAT(agreement.questions[0].differing, ElementsAre("S2"));
  EXPECT_THAT(agreement.questions[1].differing, ElementsAre("S3"));
  EXPECT_DOUBLE_EQ(agreement.overall.agreement, 0.5);
  write_label_agreement(dir / "agreement.csv", agreement);
  EXPECT_EQ(read_csv(dir / "agreement.csv").rows[0].back(), "S2");
  write_file_atomic(dir / "c.json", fmt::format(R"({{"T": {}}})", label("No", "Yes")));
  EXPECT_PILLAR_ERROR(compare_labels(dir / "a.json", dir / "c.json"), ErrorCategory::input,
                      HasSubstr("no study in common"));
}

}  // namespace
}  // namespace pillar
