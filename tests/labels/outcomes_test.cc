#include "pillar/labels/outcomes.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace fs = std::filesystem;

// A folder with scans a to f and a mask, and the tables that a test writes beside them.
class OutcomesTest : public ::testing::Test {
 protected:
  OutcomesTest() {
    for (const char* name : {"a", "b", "c", "d", "e", "f", "mask.tar.lz4"})
      write_file_atomic(dir_ / name, "x");
  }
  fs::path table(std::string_view text) {
    write_file_atomic(dir_ / "my outcomes.csv", text);
    return dir_ / "my outcomes.csv";
  }
  // The table has these faults, each in a line of its own, and says where.
  void expect_faults(std::string_view text, const OutcomeColumns& columns,
                     const std::vector<std::string>& faults, const PatientTable& patients = {}) {
    try {
      read_outcome_table(table(text), columns, patients);
      ADD_FAILURE() << "no fault in\n" << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.category(), ErrorCategory::input);
      const std::string message = error.what();
      EXPECT_THAT(message, HasSubstr("my outcomes.csv: "));
      EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), std::ssize(faults)) << message;
      for (const std::string& fault : faults) EXPECT_THAT(message + "\n", HasSubstr("\n  " + fault + "\n"));
    }
  }
  TempDir dir_;
};

OutcomeColumns findings(std::vector<std::string> labels) {
  OutcomeColumns columns;
  columns.labels = std::move(labels);
  return columns;
}
OutcomeColumns class_column(std::vector<std::string> classes = {}) {
  OutcomeColumns columns;
  columns.kind = OutcomeKind::multiclass;
  columns.labels = {"type"};
  columns.classes = std::move(classes);
  return columns;
}
OutcomeColumns risk(std::int64_t horizon = 6) {
  OutcomeColumns columns;
  columns.kind = OutcomeKind::survival;
  columns.horizon = horizon;
  return columns;
}

TEST_F(OutcomesTest, FindingsMayBeUnknown) {
  const OutcomeTable read =
      read_outcome_table(table("edema,hospital,accession,image_paths,split,mass,mask_path,patient\n"
                               "1,North,007,a,train,0,,P1\n"
                               "0.0,South,08,\"[\"\"b\"\"]\",train,1.0,mask.tar.lz4,P1\n"
                               " NaN ,South, 9 ,c|,validation,1,,\n"
                               "NA,,X,d,val,0,,\n"
                               "null,,Y,e,dev,0,nan,P2\n"
                               ",,Z,f,test,1,,P3\n"),
                         findings({"mass", "edema"}));
  EXPECT_EQ(read.kind, OutcomeKind::multilabel);
  EXPECT_THAT(read.outputs, ElementsAre("mass", "edema"));
  ASSERT_EQ(read.studies.size(), 6u);
  EXPECT_EQ(read.studies[0].accession, "007");
  EXPECT_EQ(read.studies[2].accession, "9");
  EXPECT_EQ(read.studies[0].patient, "P1");
  EXPECT_EQ(read.studies[2].patient, "");
  EXPECT_EQ(read.studies[1].image, dir_ / "b");
  EXPECT_EQ(read.studies[1].mask, dir_ / "mask.tar.lz4");
  EXPECT_TRUE(read.studies[0].mask.empty());
  EXPECT_EQ(read.studies[2].row, 3);
  for (const std::size_t dev : {2, 3, 4}) EXPECT_EQ(read.studies[dev].split, OutcomeSplit::dev);
  EXPECT_EQ(read.studies[5].split, OutcomeSplit::test);
  ASSERT_EQ(read.values.sizes(), (std::vector<std::int64_t>{6, 2}));
  ASSERT_EQ(read.values.scalar_type(), at::kFloat);
  const float* value = read.values.const_data_ptr<float>();
  EXPECT_THAT(std::vector<float>(value, value + 5), ElementsAre(0, 1, 1, 0, 1));
  for (const std::size_t unknown : {5, 7, 9, 11}) EXPECT_TRUE(std::isnan(value[unknown]));
}

TEST_F(OutcomesTest, ClassesAreThoseMetOrThoseNamed) {
  const std::string text =
      "accession,image_paths,split,type\n1,a,train,10\n2,b,train,9.0\n3,c,train,10\n4,d,dev,\n5,e,dev,9\n";
  EXPECT_PILLAR_ERROR(read_outcome_table(table(text), class_column()), ErrorCategory::input,
                      HasSubstr("row 4: none of the labels of 4 is known"));
  const std::string known = "accession,image_paths,split,type\n1,a,train,10\n2,b,train,9.0\n3,c,dev,9\n";
  const OutcomeTable met = read_outcome_table(table(known), class_column());
  EXPECT_THAT(met.outputs, ElementsAre("9", "10"));
  EXPECT_TRUE(at::equal(met.values, at::tensor({1, 0, 0}, at::kLong)));
  const OutcomeTable named = read_outcome_table(table(known), class_column({"10", "9", "8"}));
  EXPECT_THAT(named.outputs, ElementsAre("10", "9", "8"));
  EXPECT_TRUE(at::equal(named.values, at::tensor({0, 1, 1}, at::kLong)));
}

TEST_F(OutcomesTest, SurvivalHasEventAndYear) {
  const OutcomeTable read = read_outcome_table(
      table("accession,image_paths,split,y,time_at_event\n1,a,train,1,0\n2,b,train,0,5.0\n3,c,test,0,2\n"),
      risk());
  EXPECT_THAT(read.outputs, ElementsAre("year 1", "year 2", "year 3", "year 4", "year 5", "year 6"));
  EXPECT_TRUE(at::equal(read.values, at::tensor({1, 0, 0, 5, 0, 2}, at::kLong).view({3, 2})));
}

TEST_F(OutcomesTest, BoxesAreHalfOpen) {
  const OutcomeTable read = read_outcome_table(
      table("accession,image_paths,split,mass,boxes\n1,a,train,1,\"[[0,1,2,3,4,5],[7,8,9,10,11,12.0]]\"\n"
            "2,b,train,0,\n3,c,train,0,[]\n"),
      findings({"mass"}));
  ASSERT_EQ(read.studies[0].boxes.size(), 2u);
  EXPECT_THAT(read.studies[0].boxes[1].first_dhw, ElementsAre(7, 8, 9));
  EXPECT_THAT(read.studies[0].boxes[1].end_dhw, ElementsAre(10, 11, 12));
  EXPECT_THAT(read.studies[1].boxes, IsEmpty());
  EXPECT_THAT(read.studies[2].boxes, IsEmpty());
}

TEST_F(OutcomesTest, PatientsOfATable) {
  PatientTable patients;
  patients.file = "who.csv";
  patients.patient_of = {{"1", "P1"}, {"2", "P2"}};
  const std::string text = "accession,image_paths,split,mass,patient\n1,a,train,1,\n2,b,train,0,Q\n";
  const OutcomeTable read = read_outcome_table(table(text), findings({"mass"}), patients);
  EXPECT_EQ(read.studies[0].patient, "P1");
  EXPECT_EQ(read.studies[1].patient, "Q");
  expect_faults("accession,image_paths,split,mass\n1,a,train,1\n2,b,train,0\n3,c,train,0\n",
                findings({"mass"}), {"row 3, column accession: 3 has no patient in who.csv"}, patients);
}

TEST_F(OutcomesTest, EveryFaultIsInOneMessage) {
  expect_faults(
      "accession,image_paths,split,edema,patient,mask_path,boxes\n"
      "1,a,train,1,P1,,\n"
      "1,nowhere,train,0,P1,absent.tar,\n"
      ",b,training,yes,P2,,\n"
      "4,a|b,test,2,P1,,\n"
      "5,,dev,,P5,,\"[[0,0,0,1,1]]\"\n",
      findings({"edema"}),
      {
          "row 2, column image_paths: " + (dir_ / "nowhere").string() + " does not exist",
          "row 2, column mask_path: " + (dir_ / "absent.tar").string() + " does not exist",
          "row 3, column accession: is empty",
          "row 3, column split: 'training' is neither train, dev nor test",
          "row 3, column edema: yes is neither 0, 1 nor empty",
          "row 4, column image_paths: 2 images, not one",
          "row 4, column edema: 2 is neither 0, 1 nor empty",
          "row 5, column image_paths: is empty",
          "row 5, column boxes: [[0,0,0,1,1]] is no JSON list of boxes [d0,h0,w0,d1,h1,w1], whole numbers "
          "from 0 "
          "on, each first below its end",
          "row 2: the accession 1 stands in row 1 already",
          "row 4: the patient P1 is in two splits: 4 is test, 1 (row 1) is train",
          "row 5: none of the labels of 5 is known",
      });
}

TEST_F(OutcomesTest, MissingColumnsWithTheNearest) {
  OutcomeColumns columns = findings({"edema", "mass"});
  columns.mask = "lesions";
  expect_faults("acession,image_path,split,edema\n1,a,train,1\n2,b,train,7\n", columns,
                {"no column 'accession' (did you mean 'acession'?)",
                 "no column 'image_paths' (did you mean 'image_path'?)", "no column 'lesions'",
                 "no column 'mass'", "row 2, column edema: 7 is neither 0, 1 nor empty"});
  EXPECT_PILLAR_ERROR(
      read_outcome_table(table("accession,image_paths,split,edema,edema\n"), findings({"edema"})),
      ErrorCategory::input, AllOf(HasSubstr("my outcomes.csv:1"), HasSubstr("have the same name")));
  EXPECT_PILLAR_ERROR(read_outcome_table(dir_ / "none.csv", columns), ErrorCategory::io,
                      HasSubstr("none.csv"));
}

TEST_F(OutcomesTest, TimesOutsideOfTheHorizon) {
  expect_faults(
      "accession,image_paths,split,y,time_at_event\n1,a,train,1,-1\n2,b,train,0,6\n3,c,train,2,2.5\n"
      "4,d,train,,nan\n5,e,train,0,1e400\n6,f,train,0,soon\n",
      risk(),
      {"row 1, column time_at_event: -1 is negative",
       "row 2, column time_at_event: 6 is at or above the horizon of 6 years: the last year is 5",
       "row 3, column y: '2' is neither 0 nor 1",
       "row 3, column time_at_event: 2.5 is no whole number of years",
       "row 4, column y: '' is neither 0 nor 1", "row 4, column time_at_event: 'nan' is no number of years",
       "row 5, column time_at_event: '1e400' is no number of years",
       "row 6, column time_at_event: 'soon' is no number of years"});
}

TEST_F(OutcomesTest, WhatCannotBeLearned) {
  const std::string head = "accession,image_paths,split,edema,mass,effusion\n";
  expect_faults(
      head + "1,a,train,1,,\n2,b,train,1,,\n3,c,dev,0,,1\n", findings({"edema", "mass", "effusion"}),
      {"column edema: all 2 known values of training studies are 1: nothing can be told apart",
       "column mass: no study has a known value", "column effusion: no training study has a known value"});
  expect_faults("accession,image_paths,split,type\n1,a,train,x\n2,b,train,x\n3,c,dev,y\n", class_column(),
                {"column type: all 2 known values of training studies are x: nothing can be told apart"});
  expect_faults("accession,image_paths,split,type\n1,a,train,x\n2,b,train,z\n3,c,dev,y\n",
                class_column({"x", "y"}), {"row 2, column type: z is none of the classes x, y"});
  expect_faults("accession,image_paths,split,y,time_at_event\n1,a,train,0,1\n2,b,train,0,5\n", risk(),
                {"column y: all 2 known values of training studies are 0: nothing can be told apart"});
  expect_faults("accession,image_paths,split,edema\n1,a,dev,1\n2,b,test,0\n", findings({"edema"}),
                {"no study is in the split train", "column edema: no training study has a known value"});
  expect_faults("accession,image_paths,split,edema\n", findings({"edema"}),
                {"no study is in the split train", "column edema: no study has a known value"});
  OutcomeColumns evaluated = findings({"edema"});
  evaluated.for_training = false;
  EXPECT_EQ(
      read_outcome_table(table("accession,image_paths,split,edema\n1,a,test,1\n"), evaluated).studies.size(),
      1u);
}

TEST_F(OutcomesTest, BoxesThatAreNone) {
  for (const char* boxes : {"[[0,0,0,1,1,0]]", "[[0,0,0,0,1,1]]", "[[-1,0,0,1,1,1]]", "[[0,0,0,1.5,1,1]]",
                            "[0,0,0,1,1,1]", "[[0,0,0,1,1,1e30]]", "{}", "[[", "[[0,0,0,1,1,null]]", "yes"}) {
    const std::string row = std::string("1,a,train,1,\"") + boxes + "\"\n2,b,train,0,\n";
    EXPECT_PILLAR_ERROR(
        read_outcome_table(table("accession,image_paths,split,edema,boxes\n" + row), findings({"edema"})),
        ErrorCategory::input, HasSubstr("row 1, column boxes: "));
  }
}

TEST_F(OutcomesTest, ThirtyFaultsAndTheNumberOfTheOthers) {
  std::string text = "accession,image_paths,split,edema\n";
  for (int i = 0; i < 100; ++i) text += std::to_string(i) + ",a,train,5\n";
  try {
    read_outcome_table(table(text), findings({"edema"}));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("100 faults"), HasSubstr("row 30, column edema: 5"),
                                    Not(HasSubstr("row 31")), EndsWith("\n  and 70 more")));
  }
}

TEST_F(OutcomesTest, ColumnsThatMakeNoSense) {
  const fs::path file = table("accession,image_paths,split,edema\n1,a,train,1\n2,b,train,0\n");
  EXPECT_PILLAR_ERROR(read_outcome_table(file, findings({})), ErrorCategory::usage,
                      HasSubstr("no label column"));
  EXPECT_PILLAR_ERROR(read_outcome_table(file, findings({"edema", "edema"})), ErrorCategory::usage,
                      HasSubstr("named twice"));
  OutcomeColumns columns = class_column();
  columns.labels = {"a", "b"};
  EXPECT_PILLAR_ERROR(read_outcome_table(file, columns), ErrorCategory::usage, HasSubstr("not one"));
  EXPECT_PILLAR_ERROR(read_outcome_table(file, class_column({"x"})), ErrorCategory::usage,
                      HasSubstr("two or more"));
  EXPECT_PILLAR_ERROR(read_outcome_table(file, risk(0)), ErrorCategory::usage, HasSubstr("horizon"));
  columns = risk();
  columns.labels = {"edema"};
  EXPECT_PILLAR_ERROR(read_outcome_table(file, columns), ErrorCategory::usage, HasSubstr("no labels"));
}

TEST(Outcomes, Kinds) {
  for (const OutcomeKind kind : {OutcomeKind::multilabel, OutcomeKind::multiclass, OutcomeKind::survival})
    EXPECT_EQ(parse_outcome_kind(to_string(kind)), kind);
  EXPECT_PILLAR_ERROR(parse_outcome_kind("survivel"), ErrorCategory::usage,
                      HasSubstr("did you mean 'survival'"));
}

TEST(Outcomes, ImagePaths) {
  EXPECT_THAT(split_image_paths("a/b"), ElementsAre("a/b"));
  EXPECT_THAT(split_image_paths("[\"a\",\"b c\"]"), ElementsAre("a", "b c"));
  EXPECT_THAT(split_image_paths("a|b;c"), ElementsAre("a", "b;c"));
  EXPECT_THAT(split_image_paths("a,b|c"), ElementsAre("a,b", "c"));
  EXPECT_THAT(split_image_paths("a; b ;"), ElementsAre("a", "b"));
  EXPECT_THAT(split_image_paths("[a,b]"), ElementsAre("[a", "b]"));
  EXPECT_THAT(split_image_paths(" x "), ElementsAre("x"));
  EXPECT_THAT(split_image_paths("[\"a\", 3]"), ElementsAre("a", "3"));
  EXPECT_THAT(split_image_paths("[]"), IsEmpty());
  EXPECT_THAT(split_image_paths(" ; "), IsEmpty());
  EXPECT_THAT(split_image_paths(""), IsEmpty());
}

TEST(Outcomes, SurvivalTargets) {
  const SurvivalTargets targets = survival_targets(at::tensor({1, 1, 0, 2}, at::kLong).view({2, 2}), 3);
  EXPECT_TRUE(at::equal(targets.is_event_ny, at::tensor({0, 1, 1, 0, 0, 0}, at::kFloat).view({2, 3})));
  EXPECT_TRUE(at::equal(targets.is_known_ny, at::tensor({1, 1, 0, 1, 1, 1}, at::kFloat).view({2, 3})));
  for (const auto& [event, time] : {std::pair{1, 3}, {0, -1}, {2, 0}, {-1, 0}}) {
    EXPECT_PILLAR_ERROR(survival_targets(at::tensor({event, time}, at::kLong).view({1, 2}), 3),
                        ErrorCategory::usage, HasSubstr("study 0"));
  }
  EXPECT_PILLAR_ERROR(survival_targets(at::tensor({1, 1}, at::kLong), 3), ErrorCategory::usage,
                      HasSubstr("(N, 2)"));
}

TEST_F(OutcomesTest, TheDigestIsOfAllThatMatters) {
  const std::string text =
      "accession,image_paths,split,edema,patient\n1,a,train,1,P\n2,b,train,0,Q\n3,c,dev,,\n4,d,dev,1,\n";
  const auto digest = [&](std::string_view from, std::string_view to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    changed.replace(changed.find("3,c,dev,,"), 9, "3,c,dev,0,");
    return outcome_digest(read_outcome_table(table(changed), findings({"edema"})));
  };
  const std::string same = digest("1,a", "1,a");
  EXPECT_EQ(same.size(), 64u);
  EXPECT_EQ(digest("1,a", " 1 , a"), same);
  for (const auto& [from, to] : {std::pair{"1,a", "9,a"},
                                 {"1,a", "1,e"},
                                 {"4,d,dev,1", "4,d,dev,0"},
                                 {"4,d,dev", "4,d,test"},
                                 {",P", ",R"}})
    EXPECT_NE(digest(from, to), same) << to;
}

}  // namespace
}  // namespace pillar
