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
                                                 "Heart": [{"q other": "N/A"}, {"q true": true}, {"q one": 1}]}},
    "A2": {"qa_results": {"Lungs": [{"q yes": " yes"}, {"q null": null}]}},
    "A3": {}})");
  EXPECT_THAT(table.questions, ElementsAre("q nan", "q no", "q null", "q one", "q other", "q true", "q yes"));
  EXPECT_THAT(table.categories, ElementsAre("Lungs", "Lungs", "Lungs", "Heart", "Heart", "Heart", "Lungs"));
  EXPECT_THAT(table.answers.at(table.rows.at("A1")), ElementsAre(-1, 0, -1, 1, -1, 1, 1));
  EXPECT_THAT(table.answers.at(table.rows.at("A2")), ElementsAre(-1, -1, -1, -1, -1, -1, 1));
  EXPECT_THAT(table.answers.at(table.rows.at("A3")), ElementsAre(-1, -1, -1, -1, -1, -1, -1));
}

TEST(Labels, EveryWordOfTheTableIsRead) {
  const LabelTable table = read(
      R"({"A": {"qa_results": {"X": [{"a": " y "}, {"b": "N"}, {"c": "True"}, {"d": false}, {"e": 1.0}, {"f": "0.0"},
                                     {"g": -1}, {"h": "Uncertain"}, {"i": ""}, {"j": "n/A"}, {"k": "-1.0"}]}}})");
  EXPECT_THAT(table.answers.at(0), ElementsAre(1, 0, 1, 0, 1, 0, -2, -2, -1, -1, -2));
}

TEST(Labels, WhatIsNoAnswerIsRefusedByValueAndCount) {
  const TempDir folder;
  EXPECT_PILLAR_ERROR(
      load_labels(written(folder, R"({"A": {"qa_results": {"X": [{"p": "maybe"}, {"q": 2}]}},
                                      "B": {"qa_results": {"X": [{"p": "Maybe "}, {"q": "Yes"}]}}})")),
      ErrorCategory::input,
      AllOf(HasSubstr("labels.json: 3 answers"), HasSubstr("'maybe' (2 times, first at accession A, 'p')"),
            HasSubstr("'2' (1 times"), HasSubstr("--label-map")));
}

TEST(Labels, AMapSaysWhatOtherWordsMean) {
  const TempDir folder;
  write_file_atomic(folder / "map.yaml", std::string_view("yes: [Maybe, 2]\nmissing: [not asked]\n"));
  const AnswerMap map = load_answer_map(folder / "map.yaml");
  const auto file = written(
      folder,
      R"({"A": {"qa_results": {"X": [{"p": "MAYBE"}, {"q": 2.0}, {"r": "Not asked"}, {"s": "no"}]}}})");
  EXPECT_THAT(load_labels(file, map).answers.at(0), ElementsAre(1, 1, -1, 0));
}

TEST(Labels, AMapThatContradictsItselfOrSaysElseIsRefused) {
  const TempDir folder;
  const auto refused = [&](std::string_view text, const std::string& fault) {
    write_file_atomic(folder / "map.yaml", text);
    EXPECT_PILLAR_ERROR(load_answer_map(folder / "map.yaml"), ErrorCategory::input,
                        AllOf(HasSubstr("map.yaml"), HasSubstr(fault)));
  };
  refused("yes: [A]\nno: [' a']\n", "'a' has another meaning");
  refused("yess: [A]\n", "yess");
  refused("yes: {A: 1}\n", "a list of words");
}

TEST(Labels, AWideTableIsReadBesideTheJson) {
  const TempDir folder;
  // As pandas writes a CheXpert-like table with its index: floats, blanks, -1.
  write_file_atomic(folder / "labels.CSV",
                    std::string_view(",accession,Edema,\"Mass, any\",Age\n0,A,1.0,,61\n1,B,-1.0,0.0,40\n"));
  EXPECT_PILLAR_ERROR(
      load_labels(folder / "labels.CSV"), ErrorCategory::input,
      AllOf(HasSubstr("2 answers"), HasSubstr("'61' (1 times, first at accession A, 'Age')")));
  AnswerMap map = standard_answers();
  map.left_out = {"Age"};
  const LabelTable table = load_labels(folder / "labels.CSV", map);
  EXPECT_THAT(table.questions, ElementsAre("Edema", "Mass, any"));
  EXPECT_THAT(table.answers.at(table.rows.at("A")), ElementsAre(1, -1));
  EXPECT_THAT(table.answers.at(table.rows.at("B")), ElementsAre(-2, 0));
}

TEST(Labels, AWideTableThatIsNoneIsRefused) {
  const TempDir folder;
  const auto refused = [&](std::string_view text, const std::string& fault) {
    write_file_atomic(folder / "labels.csv", text);
    EXPECT_PILLAR_ERROR(load_labels(folder / "labels.csv"), ErrorCategory::input,
                        AllOf(HasSubstr("labels.csv"), HasSubstr(fault)));
  };
  refused("study,q\nA,1\n", "no column 'accession'");
  refused("accession\nA\n", "no question");
  refused("accession,q\nA,1\nA,1\n", ":3: accession A is in it twice");
  refused("accession,q\n,1\n", ":2: the accession is empty");
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
  const Answers as_no = answers_of(table, accessions, {});
  EXPECT_TRUE(at::equal(as_no.answers_qn, at::tensor({0, 0, 1, 1, 0, 0}, at::kChar).reshape({2, 3})));
  EXPECT_EQ(as_no.without_row, 1);
  EXPECT_EQ(as_no.missing, 4);
  EXPECT_TRUE(at::equal(as_no.given_qn, at::tensor({-1, -1, 1, 1, -1, -1}, at::kChar).reshape({2, 3})));
  const Answers left_out = answers_of(table, accessions, {MissingAnswers::drop});
  EXPECT_TRUE(at::equal(left_out.answers_qn, at::tensor({-1, -1, 1, 1, -1, -1}, at::kChar).reshape({2, 3})));
}

TEST(Labels, UncertainAnswersAreNoYesOrLeftOut) {
  const LabelTable table = read(R"({"A": {"qa_results": {"X": [{"p": -1}, {"q": "Yes"}]}}})");
  const auto counted = [&](UncertainAnswers uncertain) {
    const Answers answers = answers_of(table, {"A"}, {MissingAnswers::no, uncertain});
    EXPECT_EQ(answers.uncertain, 1);
    return answers.answers_qn[0].item<int>();
  };
  EXPECT_EQ(counted(UncertainAnswers::no), 0);
  EXPECT_EQ(counted(UncertainAnswers::yes), 1);
  EXPECT_EQ(counted(UncertainAnswers::drop), -1);
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
  expect_refused(R"({"A": {"qa_results": {"X": [{"q": 2}]}}})", "'2' (1 times");
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
