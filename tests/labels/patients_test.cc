#include "pillar/labels/patients.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path patients_file(const TempDir& dir, std::string_view text) {
  const std::filesystem::path file = dir / "my patients.csv";
  write_file_atomic(file, text);
  return file;
}

TEST(Patients, StudiesOfOnePatientAreOneUnit) {
  TempDir dir;
  const PatientTable table = read_patients(
      patients_file(dir, "sex,patient,accession\nF,P1,A1\nM,P2,A2\nF,P1,A3\nF,P1,A3\nM,P9,A9\n"));
  const ResampleUnits units = resample_units({"A3", "A2", "A1"}, table);
  EXPECT_THAT(units.of_study, ElementsAre(0, 1, 0));
  EXPECT_EQ(units.count, 2);
  EXPECT_STREQ(units.kind, "patient");
}

TEST(Patients, WithoutATableEachStudyIsAUnit) {
  const ResampleUnits units = resample_units({"A", "B", "C"}, {});
  EXPECT_THAT(units.of_study, ElementsAre(0, 1, 2));
  EXPECT_EQ(units.count, 3);
  EXPECT_STREQ(units.kind, "study");
}

TEST(Patients, BrokenTables) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(read_patients(patients_file(dir, "accession,person\nA,P\n")), ErrorCategory::input,
                      AllOf(HasSubstr("my patients.csv"), HasSubstr("no column 'patient'")));
  EXPECT_PILLAR_ERROR(read_patients(patients_file(dir, "accession,patient\nA,P\nB,\n")), ErrorCategory::input,
                      HasSubstr("row 2 has an empty"));
  EXPECT_PILLAR_ERROR(read_patients(patients_file(dir, "accession,patient\nA,P\nA,Q\n")),
                      ErrorCategory::input, AllOf(HasSubstr("A has two patients"), HasSubstr("P and Q")));
  EXPECT_PILLAR_ERROR(read_patients(patients_file(dir, "accession,patient\n")), ErrorCategory::input,
                      HasSubstr("no rows"));
  EXPECT_PILLAR_ERROR(read_patients(dir / "none.csv"), ErrorCategory::io, HasSubstr("none.csv"));
  const PatientTable table = read_patients(patients_file(dir, "accession,patient\nA,P\n"));
  EXPECT_PILLAR_ERROR(resample_units({"A", "B"}, table), ErrorCategory::input,
                      AllOf(HasSubstr("my patients.csv"), HasSubstr("no patient for the accession B")));
}

}  // namespace
}  // namespace pillar
