#include "pillar/image/dicom_write.h"

#include "pillar/core/file.h"

#include "image/dicom/dicom_put.h"
#include "image/dicom/dicom_uid.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <chrono>
#include <set>

#include <ATen/ATen.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::HasSubstr;

Volume ramp(at::ScalarType dtype, std::int64_t low) {
  Volume volume;
  volume.voxels_dhw = at::arange(low, low + 3 * 4 * 5, at::kInt).reshape({3, 4, 5}).to(dtype);
  volume.geometry.spacing_xyz_mm = {0.5, 0.75, 2.5};
  volume.geometry.origin_xyz_mm = {-10, 20.25, 30};
  return volume;
}

std::string text_of(DcmItem& item, const DcmTagKey& tag) {
  OFString text;
  item.findAndGetOFStringArray(tag, text, OFTrue);
  return text.c_str();
}

TEST(DicomUid, IsDecimalOfASha256) {
  EXPECT_EQ(dicom_uid("pillar/study"), dicom_uid("pillar/study"));
  EXPECT_NE(dicom_uid("a"), dicom_uid("b"));
  // SHA-256 of nothing starts e3b0c442 98fc1c14 9afbf4c8 996fb924.
  EXPECT_EQ(dicom_uid(""), "2.25.302652579918965577886386472538583578916");
  EXPECT_TRUE(is_dicom_uid(dicom_uid("a")));
  EXPECT_FALSE(is_dicom_uid("1.2.x"));
}

TEST(DicomPut, DecimalStringsHaveAtMostSixteenCharacters) {
  EXPECT_EQ(format_ds(0.5), "0.5");
  EXPECT_EQ(format_ds(-1024), "-1024");
  for (double value :
       {1.0 / 3, -1.0 / 3, -1e-300 / 3, 1e300 / 7, 0.20791169018458236, -123456.789012345678}) {
    EXPECT_LE(format_ds(value).size(), 16u);
    EXPECT_NEAR(std::stod(format_ds(value)) / value, 1, 1e-9) << format_ds(value);
  }
}

TEST(DicomWrite, OneFileASlice) {
  TempDir dir;
  DicomWriteOptions options;
  options.rescale_intercept = -1024;
  write_dicom_series(dir / "out", ramp(at::kShort, -30), options);
  DcmFileFormat file;
  ASSERT_TRUE(file.loadFile((dir / "out/im0002.dcm").c_str()).good());
  DcmDataset& dataset = *file.getDataset();
  EXPECT_EQ(text_of(dataset, DCM_Modality), "CT");
  EXPECT_EQ(text_of(dataset, DCM_InstanceNumber), "3");
  EXPECT_EQ(text_of(dataset, DCM_ImagePositionPatient), "-10\\20.25\\35");
  EXPECT_EQ(text_of(dataset, DCM_PixelSpacing), "0.75\\0.5");
  EXPECT_EQ(text_of(dataset, DCM_RescaleIntercept), "-1024");
  const Uint16* words = nullptr;
  unsigned long count = 0;
  ASSERT_TRUE(dataset.findAndGetUint16Array(DCM_PixelData, words, &count).good());
  ASSERT_EQ(count, 20u);
  EXPECT_EQ(words[0], -30 + 40 + 1024);
}

TEST(DicomWrite, EnhancedHasAFunctionalGroupAFrame) {
  TempDir dir;
  DicomWriteOptions options;
  options.enhanced = true;
  Volume volume = ramp(at::kUInt16, 65000);
  volume.modality = Modality::mr;
  write_dicom_series(dir.path(), volume, options);
  DcmFileFormat file;
  ASSERT_TRUE(file.loadFile((dir / "series.dcm").c_str()).good());
  DcmDataset& dataset = *file.getDataset();
  EXPECT_EQ(text_of(dataset, DCM_SOPClassUID), UID_EnhancedMRImageStorage);
  EXPECT_EQ(text_of(dataset, DCM_NumberOfFrames), "3");
  DcmItem* groups = nullptr;
  ASSERT_TRUE(dataset.findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, groups, 2).good());
  EXPECT_EQ(text_of(*groups, DCM_ImagePositionPatient), "-10\\20.25\\35");
  const Uint16* words = nullptr;
  ASSERT_TRUE(dataset.findAndGetUint16Array(DCM_PixelData, words).good());
  EXPECT_EQ(words[59], 65059);
}

TEST(DicomWrite, SameSeedSameBytes) {
  TempDir dir;
  for (bool enhanced : {false, true}) {
    DicomWriteOptions options;
    options.enhanced = enhanced;
    write_dicom_series(dir / "a", ramp(at::kShort, 0), options);
    write_dicom_series(dir / "b", ramp(at::kShort, 0), options);
    options.uid_seed = "another";
    write_dicom_series(dir / "c", ramp(at::kShort, 0), options);
  }
  int files = 0;
  for (const auto& entry : fs::directory_iterator(dir / "a")) {
    EXPECT_EQ(read_file(entry.path()), read_file(dir / "b" / entry.path().filename()));
    EXPECT_NE(read_file(entry.path()), read_file(dir / "c" / entry.path().filename()));
    ++files;
  }
  EXPECT_EQ(files, 4);
}

TEST(DicomWrite, InstancesHaveTheirOwnUids) {
  TempDir dir;
  write_dicom_series(dir.path(), ramp(at::kShort, 0), {});
  std::set<std::string> instances;
  for (const auto& entry : fs::directory_iterator(dir.path())) {
    DcmFileFormat file;
    ASSERT_TRUE(file.loadFile(entry.path().c_str()).good());
    instances.insert(text_of(*file.getDataset(), DCM_SOPInstanceUID));
  }
  EXPECT_EQ(instances.size(), 3u);
}

TEST(DicomWrite, RefusesWhatDicomCannotHold) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(write_dicom_series(dir.path(), ramp(at::kFloat, 0), {}), ErrorCategory::usage,
                      HasSubstr("Float"));
  DicomWriteOptions options;
  options.rescale_slope = 2;
  EXPECT_PILLAR_ERROR(write_dicom_series(dir.path(), ramp(at::kShort, 0), options), ErrorCategory::usage,
                      HasSubstr("whole"));
  options = {};
  options.rescale_intercept = 60000;
  EXPECT_PILLAR_ERROR(write_dicom_series(dir.path(), ramp(at::kShort, 0), options), ErrorCategory::usage,
                      HasSubstr("16 bits"));
  options = {};
  options.accession = "a\\b";
  EXPECT_PILLAR_ERROR(write_dicom_series(dir.path(), ramp(at::kShort, 0), options), ErrorCategory::usage,
                      HasSubstr("accession"));
  Volume flat = ramp(at::kShort, 0);
  flat.geometry.spacing_xyz_mm[2] = 0;
  EXPECT_PILLAR_ERROR(write_dicom_series(dir.path(), flat, {}), ErrorCategory::usage, HasSubstr("geometry"));
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(DicomWrite, FolderInTheWayIsAnIoError) {
  TempDir dir;
  write_file_atomic(dir / "file", std::string_view("x"));
  EXPECT_PILLAR_ERROR(write_dicom_series(dir / "file", ramp(at::kShort, 0), {}), ErrorCategory::io,
                      HasSubstr("file"));
  fs::create_directories(dir / "out/im0000.dcm");
  EXPECT_PILLAR_ERROR(write_dicom_series(dir / "out", ramp(at::kShort, 0), {}), ErrorCategory::io,
                      HasSubstr("im0000.dcm"));
}

}  // namespace
}  // namespace pillar
