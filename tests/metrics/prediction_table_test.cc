#include "pillar/metrics/prediction_table.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <limits>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

PredictionTable two_outputs() {
  PredictionTable table;
  table.accessions = {"A,1", "A \"2\""};
  table.outputs = {"nodule, old", "cyst"};
  table.probabilities_qn = {{1.0 / 3, 1e-300}, {0.1 + 0.2, 1}};
  table.logits_qn = {{-0.6931471805599453, -690.7755278982137}, {-1.546875, 1e308}};
  table.truths_qn = {{1, -1}, {0, 1}};
  return table;
}

TEST(PredictionTable, IsReadBitForBit) {
  const TempDir dir;
  const PredictionTable written = two_outputs();
  write_predictions(dir / "p.csv", written);
  const PredictionTable read = read_predictions(dir / "p.csv");
  EXPECT_EQ(read.accessions, written.accessions);
  EXPECT_EQ(read.outputs, written.outputs);
  EXPECT_EQ(read.probabilities_qn, written.probabilities_qn);
  EXPECT_EQ(read.logits_qn, written.logits_qn);
  EXPECT_EQ(read.truths_qn, written.truths_qn);
}

TEST(PredictionTable, MembersComeInTheOrderOfTheFirst) {
  const TempDir dir;
  write_file_atomic(dir / "a.csv",
                    std::string_view("accession,x,x:logit,y,y:logit\nA,0.1,1,0.2,2\nB,0.3,3,0.4,4\n"));
  write_file_atomic(dir / "b.csv",
                    std::string_view("accession,y,y:logit,x,x:logit\nB,0.8,8,0.7,7\nA,0.6,6,0.5,5\n"));
  const auto members = read_ensemble_predictions({dir / "a.csv", dir / "b.csv"});
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[1].accessions, members[0].accessions);
  EXPECT_THAT(members[1].logits_qn[0], ElementsAre(5, 7));
  EXPECT_THAT(members[1].logits_qn[1], ElementsAre(6, 8));
  write_file_atomic(dir / "c.csv",
                    std::string_view("accession,x,x:logit,z,z:logit\nA,0.1,1,0.2,2\nB,0.3,3,0.4,4\n"));
  EXPECT_PILLAR_ERROR(read_ensemble_predictions({dir / "a.csv", dir / "c.csv"}), ErrorCategory::input,
                      AllOf(HasSubstr("c.csv"), HasSubstr("output y")));
  write_file_atomic(dir / "d.csv", std::string_view("accession,x,x:logit,y,y:logit\nA,0.1,1,0.2,2\n"));
  EXPECT_PILLAR_ERROR(read_ensemble_predictions({dir / "a.csv", dir / "d.csv"}), ErrorCategory::input,
                      AllOf(HasSubstr("d.csv"), HasSubstr("accession B")));
}

TEST(PredictionTable, FaultsNameRowAndColumn) {
  const TempDir dir;
  const auto refused = [&](const char* text, const char* first, const char* second) {
    write_file_atomic(dir / "p.csv", std::string_view(text));
    EXPECT_PILLAR_ERROR(read_predictions(dir / "p.csv"), ErrorCategory::input,
                        AllOf(HasSubstr("p.csv"), HasSubstr(first), HasSubstr(second)));
  };
  refused("accession,x,x:logit\nA,0.1,1\nA,0.1,1\n", "accession A", "twice");
  refused("accession,x\nA,0.1\n", "x:logit", "");
  refused("accession\nA\n", "no column", "");
  refused("accession,x,x:logit\nA,zero,1\n", "accession A", "column x");
  refused("accession,x,x:logit\nA,0.5,nan\n", "accession A", "column x:logit");
  refused("accession,x,x:logit\nA,1.5,1\n", "column x", "probability");
  refused("accession,x,x:logit,x:truth\nA,0.5,1,2\n", "column x:truth", "'2'");
  PredictionTable table = two_outputs();
  table.logits_qn[1][0] = std::numeric_limits<double>::infinity();
  EXPECT_PILLAR_ERROR(write_predictions(dir / "p.csv", table), ErrorCategory::input,
                      AllOf(HasSubstr("accession A,1"), HasSubstr("output cyst")));
}

}  // namespace
}  // namespace pillar
