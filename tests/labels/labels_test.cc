#include "pillar/labels/labels.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path written(const TempDir& folder, const std::string& text) {
  write_file_atomic(folder / "labels.json", text);
  return folder / "labels.json";
}

LabelTable read(const std::string& text) {
  const TempDir folder;
  return load_labels(written(folder, text));
}

void expect_refused(const std::string& text, const std::string& fault) {
  const TempDir folder;
  EXPECT_PILLAR_ERROR(load_labels(written(folder, text)), ErrorCategory::input,
                      AllOf(HasSubstr("labels.json"), HasSubstr(fault)));
}

TEST(Labels, AnswersAreReadAsThePublicEvaluatorReadsThem) {
  const LabelTable table = read(R"({
    "A1": {"note": [1, {"x": 2}], "qa_results": {"Lungs": [{"q yes": "YES"}, {"q no": "No"}, {"q nan": NaN}],
                                                 "Heart": [{"q other": "maybe"}, {"q true": true}, {"q one": 1}]}},
    "A2": {"qa_results": {"Lungs": [{"q yes": " yes"}, {"q null": null}]}},
    "A3": {}})");
  EXPECT_THAT(table.questions, ElementsAre("q nan", "q no", "q null", "q one", "q other", "q true", "q yes"));
  EXPECT_THAT(table.categories, ElementsAre("Lungs", "Lungs", "Lungs", "Heart", "Heart", "Heart", "Lungs"));
  EXPECT_THAT(table.answers.at(table.rows.at("A1")), ElementsAre(-1, 0, -1, 1, 0, 1, 1));
  EXPECT_THAT(table.answers.at(table.rows.at("A2")), ElementsAre(-1, -1, -1, -1, -1, -1, 0));
  EXPECT_THAT(table.answers.at(table.rows.at("A3")), ElementsAre(-1, -1, -1, -1, -1, -1, -1));
  EXPECT_EQ(table.other_answers, 2);
}

TEST(Labels, TheFirstAnswerOfAStudyCounts) {
  const LabelTable table =
      read(R"({"A": {"qa_results": {"X": [{"q": "No"}, {"q": "Yes"}], "Y": [{"q": "Yes", "r": "Yes"}]}}})");
  EXPECT_THAT(table.questions, ElementsAre("q", "r"));
  EXPECT_THAT(table.categories, ElementsAre("X", "Y"));
  EXPECT_THAT(table.answers.at(0), ElementsAre(0, 1));
}

TEST(Labels, QuestionsMayHoldAnything) {
  const LabelTable table = read(
      R"({"A \"NaN\"": {"qa_results": {"NaN, \\": [{"Is it <b>\"NaN\"</b>, or not?": NaN}, {"é": "Yes"}]}}})");
  EXPECT_THAT(table.questions, ElementsAre("Is it <b>\"NaN\"</b>, or not?", "é"));
  EXPECT_THAT(table.categories.front(), "NaN, \\");
  EXPECT_EQ(table.rows.count("A \"NaN\""), 1u);
  EXPECT_THAT(table.answers.at(0), ElementsAre(-1, 1));
}

TEST(Labels, WhatIsNoAnswerIsLeftOutAndCounted) {
  const LabelTable table =
      read(R"({"A": {"qa_results": {"X": [{"q": "Yes"}, "text", [1]], "Y": "none", "Z": {"q": "No"}}}})");
  EXPECT_THAT(table.questions, ElementsAre("q"));
  EXPECT_GE(table.left_out, 3);
  EXPECT_THAT(table.answers.at(0), ElementsAre(1));
}

TEST(Labels, MissingAnswersAreNoOrLeftOut) {
  const LabelTable table = read(
      R"({"A": {"qa_results": {"X": [{"p": "Yes"}, {"q": NaN}]}}, "B": {"qa_results": {"X": [{"q": "Yes"}]}}})");
  const std::vector<std::string> accessions = {"B", "nobody", "A"};
  const Answers as_no = answers_of(table, accessions, MissingAnswers::no);
  EXPECT_TRUE(at::equal(as_no.answers_qn, at::tensor({0, 0, 1, 1, 0, 0}, at::kChar).reshape({2, 3})));
  EXPECT_EQ(as_no.without_row, 1);
  EXPECT_EQ(as_no.missing, 2);
  const Answers left_out = answers_of(table, accessions, MissingAnswers::drop);
  EXPECT_TRUE(at::equal(left_out.answers_qn, at::tensor({-1, -1, 1, 1, -1, -1}, at::kChar).reshape({2, 3})));
}

TEST(Labels, RefusesWhatIsNotTheFormat) {
  expect_refused("", "no JSON");
  expect_refused(R"({"A": {"qa_results": {"X": [{"q": "Yes"}]}})", "no JSON");
  expect_refused(R"({"A": {"qa_results": {"X": [{"q": Infinity}]}}})", "no JSON");
  expect_refused("[1, 2]", "not an object of accessions");
  expect_refused("\"text\"", "not an object of accessions");
  expect_refused(R"({"A": 1})", "A: not an object");
  expect_refused(R"({"A": ["Yes"]})", "A: not an object");
  expect_refused(R"({"A": {"qa_results": "none"}})", "A: qa_results");
  expect_refused(R"({"A": {"qa_results": []}})", "A: qa_results");
  expect_refused(R"({"A": {"qa_results": {"X": [{"q": 2}]}}})", "'q' is 2");
  expect_refused(R"({"A": {"qa_results": {"X": [{"q": ["Yes"]}]}}})", "'q' is a list");
  expect_refused(R"({"A": {"qa_results": {"X": [{"q": {"a": 1}}]}}})", "'q' is an object");
  expect_refused(R"({"A": {}, "A": {}})", "accession A is in it twice");
  expect_refused(R"({"A": {"answers": {"X": [{"q": "Yes"}]}}})", "no question");
  expect_refused("{\"A\xff\": {}}", "no JSON");
}

TEST(Labels, DeepNestingIsNoDanger) {
  const std::string open(200000, '['), close(200000, ']');
  const LabelTable table =
      read(R"({"A": {"else": )" + open + close + R"(, "qa_results": {"X": [{"q": "Yes"}]}}})");
  EXPECT_THAT(table.answers.at(0), ElementsAre(1));
}

TEST(Labels, AMissingFileIsNamed) {
  EXPECT_PILLAR_ERROR(load_labels("no such/labels.json"), ErrorCategory::io,
                      HasSubstr("no such/labels.json"));
}

TEST(Labels, GoldenQuestionsAreInTheColumnOrderOfThePublicEvaluator) {
  PILLAR_NEEDS_GOLDEN("rate/probe_small/labels.json");
  const LabelTable table = load_labels(test::golden("rate/probe_small/labels.json"));
  ASSERT_EQ(table.questions.size(), 9u);
  EXPECT_EQ(table.questions.front(), "Is there finding 00, at least mild?");
  EXPECT_EQ(table.questions.back(), "Is there finding 08, at least mild?");
}

}  // namespace
}  // namespace pillar
