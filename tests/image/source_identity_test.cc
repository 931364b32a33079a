#include "pillar/image/source_identity.h"

#include "pillar/core/file.h"
#include "pillar/image/volume_file.h"

#include "image/dicom_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

DicomSeries series_of(const fs::path& folder) {
  return scan_dicom(folder).series.front();
}

TEST(SourceIdentity, OfASeriesIsThatOfItsImagesWhereverTheyLie) {
  TempDir dir;
  const Volume volume = test::counting_volume(4, 8, 8);
  write_dicom_series(dir / "a", volume, {});
  fs::copy(dir / "a", dir / "b");
  fs::rename(dir / "b/im0000.dcm", dir / "b/z.dcm");
  const SourceIdentity a = series_identity(series_of(dir / "a"));
  EXPECT_EQ(compare(a, series_identity(series_of(dir / "b"))), SourceMatch::same);
  EXPECT_THAT(describe(a), HasSubstr("4 images"));
  EXPECT_THAT(a.source + a.content, Not(HasSubstr("ANONYMOUS")));
  fs::remove(dir / "b/z.dcm");
  EXPECT_EQ(compare(a, series_identity(series_of(dir / "b"))), SourceMatch::changed);
}

TEST(SourceIdentity, TellsPatientsApartEvenWhereTheirUidsAreTheSame) {
  TempDir dir;
  DicomWriteOptions options;
  write_dicom_series(dir / "a", test::counting_volume(4, 8, 8), options);
  options.patient_id = "another";
  write_dicom_series(dir / "b", test::counting_volume(4, 8, 8), options);
  EXPECT_NE(compare(series_identity(series_of(dir / "a")), series_identity(series_of(dir / "b"))),
            SourceMatch::same);
}

TEST(SourceIdentity, OfAFileIsItsContent) {
  TempDir dir;
  write_file_atomic(dir / "a.nii", "one");
  write_file_atomic(dir / "b.nii", "one");
  write_file_atomic(dir / "c.nii", "two");
  const SourceIdentity a = volume_file_identity(dir / "a.nii");
  EXPECT_EQ(compare(a, volume_file_identity(dir / "b.nii")), SourceMatch::same);
  EXPECT_EQ(compare(a, volume_file_identity(dir / "c.nii")), SourceMatch::other);
  EXPECT_EQ(compare(a, volume_file_identity(dir / "a.nii", 0)), SourceMatch::same);
  EXPECT_EQ(compare(a, volume_file_identity(dir / "a.nii", 1)), SourceMatch::changed) << "of a 4-D file";
  EXPECT_THAT(a.source + a.content, Not(HasSubstr("a.nii")));
  write_file_atomic(dir / "a.nii", "three");
  EXPECT_EQ(compare(a, volume_file_identity(dir / "a.nii")), SourceMatch::changed);
  EXPECT_PILLAR_ERROR(volume_file_identity(dir / "gone.nii"), ErrorCategory::io, HasSubstr("gone.nii"));
}

TEST(SourceIdentity, OfAHeaderCountsItsVoxelFile) {
  TempDir dir;
  const std::string header =
      "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = v.raw\n";
  write_file_atomic(dir / "v.mhd", header);
  write_file_atomic(dir / "v.raw", "12345678");
  const SourceIdentity before = volume_file_identity(dir / "v.mhd");
  write_file_atomic(dir / "v.raw", "12345679");
  EXPECT_EQ(compare(before, volume_file_identity(dir / "v.mhd")), SourceMatch::changed);
}

}  // namespace
}  // namespace pillar
