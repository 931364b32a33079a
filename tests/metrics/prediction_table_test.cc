#include "pillar/metrics/prediction_table.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <limits>

#include <ATen/ops/equal.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

at::Tensor doubles(const std::vector<double>& values, std::int64_t columns) {
  return at::tensor(values, at::kDouble).view({-1, columns});
}

PredictionTable two_by_two() {
  return {{"0012", "a,\"b\"\nc"},
          {"edema", "fluid, left"},
          doubles({0.1, 1.0 / 3, 5e-324, 1}, 2),
          doubles({-2.2, -1e300, 0.1 + 0.2, std::numeric_limits<double>::denorm_min()}, 2),
          {}};
}

TEST(PredictionTable, ReadsBackTheSameBits) {
  const TempDir folder;
  const PredictionTable table = two_by_two();
  write_prediction_table(folder / "test.csv", table);
  const PredictionTable read = read_prediction_table(folder / "test.csv");
  EXPECT_EQ(read.accessions, table.accessions);
  EXPECT_EQ(read.outputs, table.outputs);
  EXPECT_TRUE(at::equal(read.probabilities_no, table.probabilities_no));
  EXPECT_TRUE(at::equal(read.logits_no, table.logits_no));
  EXPECT_THAT(read_text_file(folder / "test.csv"),
              ::testing::StartsWith("accession,edema,edema:logit,\"fluid, left\",\"fluid, left:logit\"\n"
                                    "0012,0.1,-2.2,"));
}

TEST(PredictionTable, MayHaveAnswers) {
  const TempDir folder;
  PredictionTable table = two_by_two();
  table.answers_no = at::tensor({1, -1, 0, 1}, at::kChar).view({2, 2});
  write_prediction_table(folder / "test.csv", table);
  const PredictionTable read = read_prediction_table(folder / "test.csv");
  EXPECT_EQ(read.outputs, table.outputs);
  EXPECT_TRUE(at::equal(read.answers_no, table.answers_no));
  EXPECT_TRUE(at::equal(read.logits_no, table.logits_no));
  table.answers_no[1][0] = 2;
  EXPECT_PILLAR_ERROR(write_prediction_table(folder / "test.csv", table), ErrorCategory::input,
                      HasSubstr("row 2, column edema:truth: the answer 2"));
  EXPECT_TRUE(at::equal(read_prediction_table(folder / "test.csv").answers_no, read.answers_no));
}

TEST(PredictionTable, MayHaveNoStudies) {
  const TempDir folder;
  write_prediction_table(folder / "test.csv", {{}, {"edema"}, doubles({}, 1), doubles({}, 1)});
  const PredictionTable read = read_prediction_table(folder / "test.csv");
  EXPECT_THAT(read.outputs, ElementsAre("edema"));
  EXPECT_EQ(read.logits_no.sizes(), at::IntArrayRef({0, 1}));
}

TEST(PredictionTable, RefusesFilesByRowAndColumn) {
  const TempDir folder;
  const auto refused = [&](const std::string& text, const std::string& place, const std::string& fault) {
    write_file_atomic(folder / "p.csv", std::string_view(text));
    EXPECT_PILLAR_ERROR(read_prediction_table(folder / "p.csv"), ErrorCategory::input,
                        AllOf(HasSubstr("p.csv"), HasSubstr(place), HasSubstr(fault)));
  };
  const std::string header = "accession,edema,edema:logit\n";
  refused("", "", "header");
  refused("study,edema,edema:logit\n", "first column", "study");
  refused("accession\n1\n", "", "no outputs");
  refused("accession,edema\n1,0.5\n", "edema:logit", "missing");
  refused("accession,edema,edema:logit,fluid\n", "fluid:logit", "missing");
  refused("accession,edema:logit\n1,0.5\n", "edema:logit", "missing");
  refused(header + "1,0.5\n", "", "2");
  refused("accession,x,x:logit,x:truth,y,y:logit\n", "y:truth", "missing after the column y:logit");
  refused("accession,x,x:logit,x:truth\n1,0.5,0,2\n", "row 1, column x:truth", "'2' is not 1, 0 or empty");
  refused(header + "1,0.5,0\n2,0.5,0\n1,0.5,0\n", "row 3, column accession", "row 1 already");
  refused(header + ",0.5,0\n", "row 1, column accession", "no accession");
  refused(header + "1,0.5,0\n2,half,0\n", "row 2, column edema", "'half' is no finite number");
  refused(header + "1,,0\n", "row 1, column edema", "no finite number");
  refused(header + "1,0.5,nan\n", "row 1, column edema:logit", "no finite number");
  refused(header + "1,0.5,-inf\n", "row 1, column edema:logit", "no finite number");
  refused(header + "1,0.5,1e999\n", "row 1, column edema:logit", "no finite number");
  refused(header + "1,0.5,1.5x\n", "row 1, column edema:logit", "no finite number");
  refused(header + "1,1.01,0\n", "row 1, column edema", "no probability");
  refused(header + "1,-0.01,0\n", "row 1, column edema", "no probability");
  EXPECT_PILLAR_ERROR(read_prediction_table(folder / "absent.csv"), ErrorCategory::io,
                      HasSubstr("absent.csv"));
}

TEST(PredictionTable, WritesNothingThatCannotBeRead) {
  const TempDir folder;
  const std::filesystem::path file = folder / "p.csv";
  const auto refused = [&](const PredictionTable& table, ErrorCategory category, const char* fault) {
    EXPECT_PILLAR_ERROR(write_prediction_table(file, table), category, HasSubstr(fault));
    EXPECT_FALSE(std::filesystem::exists(file));
  };
  PredictionTable table = two_by_two();
  table.accessions[1] = table.accessions[0];
  refused(table, ErrorCategory::input, "row 2, column accession: 0012 stands in row 1 already");
  table = two_by_two();
  table.probabilities_no[1][0] = 1.5;
  refused(table, ErrorCategory::input, "row 2, column edema: 1.5 is no probability");
  table = two_by_two();
  table.logits_no[0][1] = std::numeric_limits<double>::infinity();
  refused(table, ErrorCategory::input, "row 1, column fluid, left:logit: inf is no finite number");
  table = two_by_two();
  table.outputs[1] = "edema:logit";
  refused(table, ErrorCategory::usage, "edema:logit");
  table = two_by_two();
  table.outputs.pop_back();
  refused(table, ErrorCategory::usage, "2 studies by 1 outputs");
  table = two_by_two();
  table.logits_no = table.logits_no.to(at::kFloat);
  refused(table, ErrorCategory::usage, "float64");
  refused({{}, {}, doubles({}, 1), doubles({}, 1)}, ErrorCategory::usage, "at least one output");
}

TEST(PredictionTable, EnsemblesAverageByName) {
  const EnsembleMember one = {
      "one.csv", {{"a", "b"}, {"x", "y"}, doubles({0.1, 0.2, 0.3, 0.4}, 2), doubles({1, 2, 3, 4}, 2)}};
  const EnsembleMember other = {
      "two.csv", {{"b", "a"}, {"y", "x"}, doubles({0.8, 0.7, 0.6, 0.5}, 2), doubles({8, 7, 6, 5}, 2)}};
  const std::vector<EnsembleMember> members = {one, other};
  const PredictionTable mean = average_predictions(members);
  EXPECT_THAT(mean.accessions, ElementsAre("a", "b"));
  EXPECT_THAT(mean.outputs, ElementsAre("x", "y"));
  EXPECT_TRUE(mean.probabilities_no.allclose(doubles({0.3, 0.4, 0.5, 0.6}, 2)));
  EXPECT_TRUE(at::equal(mean.logits_no, doubles({3, 4, 5, 6}, 2)));
  const PredictionTable linked =
      average_predictions(members, [](const at::Tensor& logits_no) { return at::sigmoid(logits_no); });
  EXPECT_TRUE(at::equal(linked.probabilities_no, at::sigmoid(doubles({3, 4, 5, 6}, 2))));
  EXPECT_TRUE(at::equal(linked.logits_no, mean.logits_no));
}

TEST(PredictionTable, EnsemblesOfDifferentTablesAreRefused) {
  const EnsembleMember one = {"one.csv", {{"a", "b"}, {"x"}, doubles({0.1, 0.2}, 1), doubles({1, 2}, 1)}};
  const auto refused = [&](const PredictionTable& table, const char* fault) {
    const std::vector<EnsembleMember> members = {one, {"two.csv", table}};
    EXPECT_PILLAR_ERROR(average_predictions(members), ErrorCategory::input,
                        AllOf(HasSubstr("one.csv"), HasSubstr("two.csv"), HasSubstr(fault)));
  };
  const at::Tensor two = doubles({0.1, 0.2}, 1);
  refused({{"a", "b"}, {"z"}, two, two}, "only the first has the output x");
  refused({{"a", "c"}, {"x"}, two, two}, "only the first has the study b");
  refused({{"a"}, {"x"}, doubles({0.1}, 1), doubles({1}, 1)}, "only the first has the study b");
  refused({{"a", "b"}, {"x", "y"}, doubles({0, 0, 0, 0}, 2), doubles({0, 0, 0, 0}, 2)},
          "only the second has the output y");
  EXPECT_PILLAR_ERROR(average_predictions({}), ErrorCategory::usage, HasSubstr("at least one member"));
}

}  // namespace
}  // namespace pillar
