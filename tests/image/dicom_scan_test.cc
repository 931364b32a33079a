#include "image/dicom_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <fstream>

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::counting_volume;
using test::edit_dicom;
using test::load_only_series;
using test::Loaded;
using test::set_text;
using test::slice_file;
using test::TempDir;
using test::write_edited_series;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ScanDicom, TellsWhatASeriesIs) {
  TempDir dir;
  DicomWriteOptions options;
  options.accession = "ACC 7";
  options.series_number = 12;
  options.series_description = "Thorax \xc3\xa4rztlich";
  Volume volume = counting_volume(4, 3, 5);
  volume.modality = Modality::mr;
  write_dicom_series(dir.path(), volume, options);
  std::ofstream(dir / "notes.txt") << "not an image";
  fs::create_directories(dir / "deeper");
  const DicomScan scan = scan_dicom(dir.path());
  ASSERT_THAT(scan.series, SizeIs(1));
  EXPECT_THAT(scan.non_dicom, SizeIs(1));
  EXPECT_THAT(scan.left_out, IsEmpty());
  EXPECT_THAT(scan.damaged, IsEmpty());
  const DicomSeries& series = scan.series.front();
  EXPECT_EQ(series.accession, "ACC 7");
  EXPECT_EQ(series.series_number, 12);
  EXPECT_EQ(series.series_description, "Thorax \xc3\xa4rztlich");
  EXPECT_EQ(series.modality, Modality::mr);
  EXPECT_THAT(series.notes, IsEmpty());
  std::uint64_t bytes = 0;
  for (int k = 0; k < 4; ++k) bytes += fs::file_size(slice_file(dir.path(), k));
  EXPECT_EQ(series.bytes_on_disk, bytes);
  ASSERT_THAT(series.planes, SizeIs(4));
  EXPECT_EQ(series.planes[2].rows, 3);
  EXPECT_EQ(series.planes[2].columns, 5);
  EXPECT_EQ(*series.planes[2].instance_number, 3);
  EXPECT_EQ(series.planes[2].position->at(2), 35);
}

TEST(ScanDicom, DescriptionsInOtherCharacterSetsBecomeUtf8) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(1, 2, 2), {});
  edit_dicom(slice_file(dir.path(), 0), [](DcmDataset& dataset) {
    set_text(dataset, DCM_SpecificCharacterSet, "ISO_IR 100");
    set_text(dataset, DCM_SeriesDescription,
             "Sch\xe4"
             "del");
  });
  EXPECT_EQ(scan_dicom(dir.path()).series.front().series_description,
            "Sch\xc3\xa4"
            "del");
  edit_dicom(slice_file(dir.path(), 0), [](DcmDataset& dataset) {
    set_text(dataset, DCM_SpecificCharacterSet, "NO SUCH SET");
    set_text(dataset, DCM_SeriesDescription, "a\x01\xff");
  });
  EXPECT_EQ(scan_dicom(dir.path()).series.front().series_description, "a \xc3\xbf");
}

TEST(ScanDicom, SeriesComeInTheOrderOfTheirUids) {
  TempDir dir;
  for (const char* uid : {"1.2.9", "1.2.10", "1.2.1"}) {
    DicomWriteOptions options;
    options.series_uid = uid;
    write_dicom_series(dir / uid, counting_volume(2, 2, 2), options);
    for (int k = 0; k < 2; ++k) fs::rename(slice_file(dir / uid, k), dir / fmt::format("{}-{}", uid, k));
  }
  std::vector<std::string> uids;
  for (const DicomSeries& series : scan_dicom(dir.path()).series) uids.push_back(series.series_uid);
  EXPECT_THAT(uids, ElementsAre("1.2.1", "1.2.10", "1.2.9"));
}

TEST(ScanDicom, OneFileIsAFolderOfOne) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(3, 2, 2), {});
  EXPECT_THAT(scan_dicom(slice_file(dir.path(), 1)).series.front().planes, SizeIs(1));
}

TEST(ScanDicom, ABareDataSetIsRead) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(3, 2, 2), {});
  for (E_TransferSyntax syntax : {EXS_LittleEndianImplicit, EXS_LittleEndianExplicit}) {
    for (int k = 0; k < 3; ++k) {
      DcmFileFormat file;
      ASSERT_TRUE(file.loadFile(slice_file(dir.path(), k).c_str()).good());
      ASSERT_TRUE(file.getDataset()->saveFile(slice_file(dir.path(), k).c_str(), syntax).good());
    }
    EXPECT_TRUE(
        at::equal(load_only_series(dir.path()).volume.voxels_dhw, counting_volume(3, 2, 2).voxels_dhw));
  }
}

TEST(ScanDicom, LocalizersAreLeftOutAndListed) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(3, 2, 2), {});
  edit_dicom(slice_file(dir.path(), 0),
             [](DcmDataset& dataset) { set_text(dataset, DCM_ImageType, "ORIGINAL\\PRIMARY\\LOCALIZER"); });
  const DicomScan scan = scan_dicom(dir.path());
  EXPECT_THAT(scan.series.front().planes, SizeIs(2));
  ASSERT_THAT(scan.series.front().excluded, SizeIs(1));
  EXPECT_EQ(scan.series.front().excluded.front().reason, "localizer");
  EXPECT_EQ(scan.series.front().excluded.front().file, slice_file(dir.path(), 0));
}

TEST(ScanDicom, ASeriesOfLocalizersIsNoScan) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(1, 2, 2), {});
  edit_dicom(slice_file(dir.path(), 0),
             [](DcmDataset& dataset) { set_text(dataset, DCM_ImageType, "ORIGINAL\\PRIMARY\\LOCALIZER"); });
  EXPECT_PILLAR_ERROR(scan_dicom(dir.path()), ErrorCategory::input,
                      AllOf(HasSubstr("im0000.dcm"), HasSubstr("localizer")));
}

TEST(ScanDicom, TheMostFrequentMatrixStays) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(4, 2, 2), {});
  DicomWriteOptions options;
  options.series_uid = scan_dicom(dir.path()).series.front().series_uid;
  write_dicom_series(dir / "scout", counting_volume(1, 6, 4), options);
  edit_dicom(slice_file(dir / "scout", 0),
             [](DcmDataset& dataset) { set_text(dataset, DCM_SOPInstanceUID, "1.2.3.4"); });
  fs::rename(slice_file(dir / "scout", 0), dir / "a scout.dcm");
  const DicomSeries series = scan_dicom(dir.path()).series.front();
  EXPECT_THAT(series.planes, SizeIs(4));
  ASSERT_THAT(series.excluded, SizeIs(1));
  EXPECT_EQ(series.excluded.front().reason, "matrix 6x4, the series has 2x2");
  EXPECT_THAT(series.notes, Contains(HasSubstr("1 of 5 planes have another matrix")));
}

TEST(ScanDicom, TheMajorityOrientationStays) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(4, 2, 2), {});
  edit_dicom(slice_file(dir.path(), 3), [](DcmDataset& dataset) {
    set_text(dataset, DCM_ImageOrientationPatient, "1\\0\\0\\0\\0\\-1");
  });
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_THAT(loaded.series.planes, SizeIs(3));
  EXPECT_THAT(loaded.series.excluded.front().reason, HasSubstr("orientation"));
  EXPECT_THAT(loaded.report.notes, Contains(HasSubstr("mixed orientations: 1 of 4")));
  EXPECT_EQ(loaded.report.excluded_slice_count, 1);
  EXPECT_EQ(loaded.report.source_slice_count, 3);
}

TEST(ScanDicom, TwoStacksOfOneSeriesAreTwoVolumes) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(6, 2, 2), {});
  for (int k : {3, 4, 5}) {
    edit_dicom(slice_file(dir.path(), k), [k](DcmDataset& dataset) {
      set_text(dataset, DCM_ImageOrientationPatient, "1\\0\\0\\0\\0\\-1");
      set_text(dataset, DCM_ImagePositionPatient, fmt::format("0\\{}\\0", 3 * k));
    });
  }
  const DicomScan scan = scan_dicom(dir.path());
  ASSERT_THAT(scan.series, SizeIs(2));
  for (int i : {0, 1}) {
    const DicomSeries& volume = scan.series[static_cast<std::size_t>(i)];
    EXPECT_EQ(volume.volume_index, i);
    EXPECT_EQ(volume.volume_count, 2);
    EXPECT_THAT(volume.volume_key, HasSubstr("ImageOrientationPatient"));
    EXPECT_THAT(volume.planes, SizeIs(3));
    EXPECT_EQ(orientation_of(volume), i == 0 ? "AXIAL" : "CORONAL");
  }
  EXPECT_DOUBLE_EQ(slice_spacing_mm(scan.series[1]), 3);
}

TEST(ScanDicom, NoTwoParallelPlanesAreAnError) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(2, 2, 2), {});
  edit_dicom(slice_file(dir.path(), 1), [](DcmDataset& dataset) {
    set_text(dataset, DCM_ImageOrientationPatient, "1\\0\\0\\0\\0\\-1");
  });
  EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input,
                      AllOf(HasSubstr(".dcm"), HasSubstr("mixed orientations")));
}

TEST(ScanDicom, CopiesOfAnInstanceAreDroppedWithAWarning) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(3, 2, 2), {});
  fs::copy_file(slice_file(dir.path(), 1), dir / "zz copy.dcm");
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, counting_volume(3, 2, 2).voxels_dhw));
  EXPECT_EQ(loaded.series.excluded.front().reason, "copy of im0001.dcm");
  EXPECT_THAT(loaded.report.notes, Contains(HasSubstr("copies")));
}

TEST(ScanDicom, InstanceNumbersGiveTheOrder) {
  TempDir dir;
  write_edited_series(dir.path(), counting_volume(3, 2, 2), [](DcmDataset& dataset, int k) {
    set_text(dataset, DCM_InstanceNumber, std::to_string(300 - k));
  });
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, counting_volume(3, 2, 2).voxels_dhw.flip(0)));
  EXPECT_EQ(loaded.volume.geometry.origin_xyz_mm[2], 35);
  EXPECT_EQ(loaded.volume.geometry.axis(2), (std::array<double, 3>{0, 0, -1}));
  EXPECT_THAT(loaded.report.notes, IsEmpty());
}

TEST(ScanDicom, PositionsGiveTheOrderWhereInstanceNumbersCannot) {
  for (const char* number : {"7", "", "two"}) {  // repeated, absent, no number
    TempDir dir;
    write_edited_series(dir.path(), counting_volume(3, 2, 2),
                        [&](DcmDataset& dataset, int) { set_text(dataset, DCM_InstanceNumber, number); });
    fs::rename(slice_file(dir.path(), 0), dir / "zz.dcm");
    const Loaded loaded = load_only_series(dir.path());
    EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, counting_volume(3, 2, 2).voxels_dhw));
    EXPECT_THAT(loaded.report.notes, ElementsAre(HasSubstr("ordered by position")));
  }
}

TEST(ScanDicom, InstanceNumbersThatJumpInSpaceAreNotFollowed) {
  TempDir dir;
  const char* interleaved[] = {"1", "3", "2", "4"};
  write_edited_series(dir.path(), counting_volume(4, 2, 2), [&](DcmDataset& dataset, int k) {
    set_text(dataset, DCM_InstanceNumber, interleaved[k]);
  });
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, counting_volume(4, 2, 2).voxels_dhw));
  EXPECT_THAT(loaded.report.notes, ElementsAre(HasSubstr("does not follow")));
}

TEST(ScanDicom, CtWithoutRescaleIsReported) {
  TempDir dir;
  Volume volume = counting_volume(3, 2, 2);
  write_dicom_series(dir / "ct", volume, {});
  volume.modality = Modality::mr;
  write_dicom_series(dir / "mr", volume, {});
  for (int k = 0; k < 3; ++k) {
    edit_dicom(slice_file(dir / "ct", k), [](DcmDataset& dataset) {
      dataset.findAndDeleteElement(DCM_RescaleSlope);
      dataset.findAndDeleteElement(DCM_RescaleIntercept);
    });
  }
  const Loaded ct = load_only_series(dir / "ct");
  EXPECT_TRUE(at::equal(ct.volume.voxels_dhw, volume.voxels_dhw));
  EXPECT_THAT(ct.report.notes, ElementsAre(HasSubstr("3 of 3 CT planes have no rescale")));
  EXPECT_THAT(load_only_series(dir / "mr").report.notes, IsEmpty());
}

TEST(ScanDicom, OtherObjectsAreLeftOut) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(3, 2, 2), {});
  edit_dicom(slice_file(dir.path(), 2), [](DcmDataset& dataset) { set_text(dataset, DCM_Modality, "SR"); });
  const DicomScan scan = scan_dicom(dir.path());
  EXPECT_THAT(scan.series.front().planes, SizeIs(2));
  ASSERT_THAT(scan.left_out, SizeIs(1));
  EXPECT_EQ(scan.left_out.front().kind, LeftOut::report);
  EXPECT_THAT(scan.left_out.front().reason, "modality 'SR', not CT or MR");
  EXPECT_THAT(scan.damaged, IsEmpty());
}

}  // namespace
}  // namespace pillar
