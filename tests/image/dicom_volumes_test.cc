// Which planes of a series make which volume: never two of them interleaved, never half of one.
#include "image/dicom_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <algorithm>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::counting_volume;
using test::edit_dicom;
using test::load_only_series;
using test::set_text;
using test::slice_file;
using test::TempDir;
using test::write_edited_series;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Two stacks of six slices in one series, the second `shift_mm` along and 1000 brighter. Instance numbers go
// on from one to the other.
class DicomVolumes : public ::testing::Test {
 protected:
  void SetUp() override { write_stacks(1.25); }

  void write_stacks(double shift_mm) {
    for (int i : {0, 1}) {
      DicomWriteOptions options;
      options.series_uid = "1.2.3";
      options.study_uid = "1.2";
      options.uid_seed = std::to_string(i);
      Volume volume = counting_volume(6, 2, 2, 1000 * i);
      volume.geometry.origin_xyz_mm[2] += shift_mm * i;
      const auto number = [i](DcmDataset& dataset, int k) {
        set_text(dataset, DCM_InstanceNumber, std::to_string(6 * i + k + 1));
        set_text(dataset, DCM_SOPInstanceUID, fmt::format("1.2.3.{}.{}", i, k));
      };
      write_edited_series(dir / std::to_string(i), volume, number, options);
      for (int k = 0; k < 6; ++k) fs::rename(slice_file(dir / std::to_string(i), k), file_of(i, k));
      fs::remove(dir / std::to_string(i));
    }
  }
  fs::path file_of(int stack, int slice) const {
    return dir.path() / fmt::format("{}-{}.dcm", 5 - slice, stack);
  }

  void set_in_stacks(const DcmTagKey& tag, const std::vector<std::string>& values) {
    for (int i : {0, 1}) {
      for (int k = 0; k < 6; ++k) {
        edit_dicom(file_of(i, k),
                   [&](DcmDataset& dataset) { set_text(dataset, tag, values[static_cast<std::size_t>(i)]); });
      }
    }
  }
  void expect_two_volumes(const char* key) {
    const DicomScan scan = scan_dicom(dir.path());
    ASSERT_THAT(scan.series, SizeIs(2)) << key;
    for (int i : {0, 1}) {
      const DicomSeries& series = scan.series[static_cast<std::size_t>(i)];
      LoadReport report;
      EXPECT_TRUE(at::equal(load_series(series, {}, report).voxels_dhw,
                            counting_volume(6, 2, 2, 1000 * i).voxels_dhw))
          << key;
      EXPECT_THAT(series.volume_key, HasSubstr(key));
      EXPECT_EQ(series.volume_index, i);
      EXPECT_EQ(series.volume_count, 2);
    }
  }

  TempDir dir;
};

TEST_F(DicomVolumes, AreToldApartByWhatTheirPlanesSay) {
  for (double shift_mm : {0.0, 1.25, 2.5}) {
    for (const auto& [tag, key, first, second] :
         {std::tuple(DCM_AcquisitionNumber, "AcquisitionNumber 2", "1", "2"),
          std::tuple(DCM_AcquisitionTime, "AcquisitionTime", "101500", "101530.5"),
          std::tuple(DCM_EchoTime, "EchoTime", "4.6", "9.2"),
          std::tuple(DCM_TemporalPositionIdentifier, "TemporalPositionIdentifier", "1", "2"),
          std::tuple(DCM_ConvolutionKernel, "ConvolutionKernel", "B30f", "B70f"),
          std::tuple(DCM_KVP, "KVP", "80", "140"),
          std::tuple(DCM_ImageType, "ImageType", "ORIGINAL\\PRIMARY\\M", "ORIGINAL\\PRIMARY\\P")}) {
      write_stacks(shift_mm);
      set_in_stacks(tag, {first, second});
      const DicomScan scan = scan_dicom(dir.path());
      ASSERT_THAT(scan.series, SizeIs(2)) << key << shift_mm;
      EXPECT_THAT(scan.series[0].planes, SizeIs(6));
      EXPECT_THAT(scan.series[1].volume_key, HasSubstr(std::string(key).substr(0, 7)));
    }
  }
}

TEST_F(DicomVolumes, OfTwoAcquisitionsKeepTheirVoxels) {
  set_in_stacks(DCM_AcquisitionNumber, {"1", "2"});
  expect_two_volumes("AcquisitionNumber");
}

TEST_F(DicomVolumes, ThatNothingElseTellsApartAreToldApartByTheirNumbers) {
  expect_two_volumes("InstanceNumber");
  write_stacks(0);
  expect_two_volumes("InstanceNumber");
}

TEST_F(DicomVolumes, OfAdjacentAcquisitionsAreOne) {
  write_stacks(2.5 * 6);  // the second goes on where the first ends
  set_in_stacks(DCM_AcquisitionNumber, {"1", "2"});
  const DicomScan scan = scan_dicom(dir.path());
  ASSERT_THAT(scan.series, SizeIs(1));  // one stack, taken in two steps
  EXPECT_THAT(scan.series.front().planes, SizeIs(12));
}

TEST_F(DicomVolumes, AStackTakenInTwoPassesStaysOne) {
  for (int i : {0, 1}) {
    for (int k = 0; k < 6; ++k) {
      edit_dicom(file_of(i, k), [&](DcmDataset& dataset) {
        set_text(dataset, DCM_AcquisitionNumber, std::to_string(i + 1));
        set_text(dataset, DCM_SpacingBetweenSlices, "1.25");
      });
    }
  }
  const auto loaded = load_only_series(dir.path());
  EXPECT_THAT(loaded.series.planes, SizeIs(12));
  EXPECT_DOUBLE_EQ(loaded.volume.geometry.spacing_xyz_mm[2], 1.25);
}

TEST_F(DicomVolumes, SameInstanceWithOtherPixelsIsRefusedWhateverItsName) {
  for (const char* name : {"a copy.dcm", "zz copy.dcm"}) {
    TempDir folder;
    write_dicom_series(folder.path(), counting_volume(6, 2, 2), {});
    fs::copy_file(slice_file(folder.path(), 2), folder / name);
    edit_dicom(folder / name, [](DcmDataset& dataset) {
      const Uint16 pixels[] = {1, 2, 3, 4};
      dataset.putAndInsertUint16Array(DCM_PixelData, pixels, 4);
    });
    EXPECT_PILLAR_ERROR(load_only_series(folder.path()), ErrorCategory::input,
                        AllOf(HasSubstr("copy.dcm"), HasSubstr("im0002.dcm"), HasSubstr("other pixels")));
  }
}

TEST_F(DicomVolumes, OneOddObjectIsLeftOut) {
  const auto odd = [](const std::function<void(DcmDataset&)>& edit) {
    TempDir folder;
    write_dicom_series(folder.path(), counting_volume(6, 2, 2), {});
    fs::copy_file(slice_file(folder.path(), 2), folder / "odd.dcm");
    edit_dicom(folder / "odd.dcm", [&](DcmDataset& dataset) {
      set_text(dataset, DCM_SOPInstanceUID, "1.2.3.4.5");
      set_text(dataset, DCM_InstanceNumber, "99");
      edit(dataset);
    });
    const auto loaded = load_only_series(folder.path());
    EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, counting_volume(6, 2, 2).voxels_dhw));
    ASSERT_THAT(loaded.series.excluded, SizeIs(1));
    EXPECT_EQ(loaded.series.excluded.front().kind, LeftOut::odd_plane);
    EXPECT_EQ(loaded.series.excluded.front().file.filename(), "odd.dcm");
  };
  odd([](DcmDataset& dataset) { dataset.findAndDeleteElement(DCM_ImagePositionPatient); });
  odd([](DcmDataset& dataset) { dataset.findAndDeleteElement(DCM_ImageOrientationPatient); });
  odd([](DcmDataset& dataset) { dataset.findAndDeleteElement(DCM_PixelSpacing); });
  odd([](DcmDataset& dataset) { dataset.findAndDeleteElement(DCM_PixelData); });
}

TEST_F(DicomVolumes, ImagesOfOnePlaceAreNoVolume) {
  TempDir folder;
  write_edited_series(folder.path(), counting_volume(4, 2, 2), [](DcmDataset& dataset, int) {
    set_text(dataset, DCM_ImagePositionPatient, "0\\0\\50");
  });
  const DicomScan scan = scan_dicom_files({slice_file(folder.path(), 0), slice_file(folder.path(), 1),
                                           slice_file(folder.path(), 2), slice_file(folder.path(), 3)},
                                          1);
  EXPECT_THAT(scan.series, IsEmpty());
  ASSERT_THAT(scan.left_out, SizeIs(4));
  EXPECT_EQ(scan.left_out.front().kind, LeftOut::one_place);
}

TEST_F(DicomVolumes, AReformattedViewIsLeftOutWhereItsOriginalIs) {
  TempDir folder;
  DicomWriteOptions options;
  options.study_uid = "1.2";
  options.series_uid = "1.2.1";
  write_dicom_series(folder / "a", counting_volume(4, 2, 2), options);
  options.series_uid = "1.2.2";
  options.uid_seed = "other";
  write_dicom_series(folder / "b", counting_volume(4, 2, 2), options);
  std::vector<fs::path> files, views;
  for (int k = 0; k < 4; ++k) {
    edit_dicom(slice_file(folder / "b", k),
               [](DcmDataset& dataset) { set_text(dataset, DCM_ImageType, "DERIVED\\SECONDARY\\MPR"); });
    views.push_back(slice_file(folder / "b", k));
    files.push_back(slice_file(folder / "a", k));
  }
  EXPECT_THAT(scan_dicom_files(views, 1).series, SizeIs(1));
  files.insert(files.end(), views.begin(), views.end());
  const DicomScan scan = scan_dicom_files(files, 1);
  ASSERT_THAT(scan.series, SizeIs(1));
  EXPECT_EQ(scan.series.front().series_uid, "1.2.1");
  ASSERT_THAT(scan.left_out, SizeIs(4));
  EXPECT_EQ(scan.left_out.front().kind, LeftOut::derived_view);
}

TEST_F(DicomVolumes, ValuesThatAreNoHounsfieldUnitsAreRefused) {
  set_in_stacks(DCM_AcquisitionNumber, {"1", "2"});
  set_in_stacks(DCM_RescaleType, {"HU", "Z_EFF"});
  const DicomScan scan = scan_dicom(dir.path());
  ASSERT_THAT(scan.series, SizeIs(2));
  LoadReport report;
  load_series(scan.series[0], {}, report);
  EXPECT_PILLAR_ERROR(load_series(scan.series[1], {}, report), ErrorCategory::input,
                      AllOf(HasSubstr("RescaleType"), HasSubstr("Z_EFF")));
}

}  // namespace
}  // namespace pillar
