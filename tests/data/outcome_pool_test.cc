#include "pillar/data/outcome_pool.h"

#include "data/training_studies.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Five studies of 6 x 40 x 40, train and dev in turn; rows count from 11.
OutcomeTable table_in(const TempDir& dir) {
  OutcomeTable table;
  table.file = dir / "labels.csv";
  for (std::int64_t i = 0; i < 5; ++i) {
    OutcomeStudy study;
    study.accession = "A" + std::to_string(i);
    study.split = i % 2 == 0 ? OutcomeSplit::train : OutcomeSplit::dev;
    study.image = test::write_study(dir.path(), study.accession, 6, static_cast<std::uint32_t>(i));
    study.row = 11 + i;
    table.studies.push_back(std::move(study));
  }
  return table;
}

const PreprocessSpec& ct_spec() {
  static const PreprocessSpec spec = default_preprocess_spec("ct", {6, 40, 40});
  return spec;
}

TEST(OutcomePool, HasTheStudiesOfASplit) {
  TempDir dir;
  OutcomeTable table = table_in(dir);
  table.studies[2].boxes = {{{0, 1, 2}, {6, 40, 40}}};
  std::vector<StudyFault> faults;
  const OutcomePool pool =
      load_outcome_pool(table, studies_of_split(table, OutcomeSplit::train), ct_spec(), 2, faults);
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_THAT(pool.rows, ElementsAre(0, 2, 4));
  ASSERT_THAT(pool.studies, SizeIs(3));
  EXPECT_EQ(pool.studies[1].name, "A2");
  EXPECT_EQ(pool.studies[1].path, table.studies[2].image);
  EXPECT_THAT(pool.studies[1].annotation.boxes, SizeIs(1));
  EXPECT_TRUE(pool.studies[0].annotation.empty());
  EXPECT_THAT(studies_of_split(table, OutcomeSplit::dev), ElementsAre(1, 3));
  EXPECT_THAT(studies_of_split(table, OutcomeSplit::test), IsEmpty());
}

TEST(OutcomePool, FaultsNameTheirRows) {
  TempDir dir;
  OutcomeTable table = table_in(dir);
  std::filesystem::remove_all(table.studies[0].image);
  table.studies[1].mask = dir / "gone.nii.gz";
  table.studies[3].boxes = {{{0, 0, 0}, {7, 1, 1}}};
  std::vector<StudyFault> faults;
  const OutcomePool pool = load_outcome_pool(table, {0, 1, 2, 3, 4}, ct_spec(), 3, faults);
  EXPECT_THAT(pool.rows, ElementsAre(2, 4));
  ASSERT_THAT(faults, SizeIs(3));
  EXPECT_THAT(faults[0].source, AllOf(HasSubstr("labels.csv"), HasSubstr("row 11")));
  EXPECT_EQ(faults[0].name, "A0");
  EXPECT_THAT(faults[0].fault, HasSubstr("no such file"));
  EXPECT_THAT(faults[1].fault, HasSubstr("gone.nii.gz"));
  EXPECT_THAT(faults[2].source, HasSubstr("row 14"));
  EXPECT_THAT(faults[2].fault, HasSubstr("6x40x40"));
}

TEST(OutcomePool, NoStudyLeftIsAnError) {
  TempDir dir;
  const OutcomeTable table = table_in(dir);
  std::vector<StudyFault> faults;
  PreprocessSpec mr = default_preprocess_spec("breast_mr", {6, 40, 40});
  EXPECT_PILLAR_ERROR(load_outcome_pool(table, {3}, mr, 1, faults), ErrorCategory::input,
                      AllOf(HasSubstr("row 14"), HasSubstr("CT")));
  EXPECT_PILLAR_ERROR(load_outcome_pool(table, {}, ct_spec(), 1, faults), ErrorCategory::usage,
                      HasSubstr("no studies"));
  EXPECT_PILLAR_ERROR(load_outcome_pool(table, {5}, ct_spec(), 1, faults), ErrorCategory::usage,
                      HasSubstr("study 5 of 5"));
}

}  // namespace
}  // namespace pillar
