#include "pillar/image/prepare.h"

#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PrepareOptions to_cube(std::int64_t size) {
  PrepareOptions options;
  options.preprocess.target_spacing_xyz_mm = {1, 1, 1};
  options.preprocess.slices = size;
  options.preprocess.crop_pad_hw = {size, size};
  return options;
}

TEST(Prepare, ASeriesIsWhatLoadingAndPreprocessingMakeOfIt) {
  TempDir dir;
  write_dicom_series(dir / "series", test::smooth_volume(10, 48, 64), {});
  const DicomSeries series = scan_dicom(dir / "series").series.at(0);
  const PreparedVolume prepared = prepare_series(series, dir / "series", to_cube(16));

  LoadReport report;
  const Volume loaded = load_series(series, {}, report);
  const PreprocessResult expected = preprocess(loaded, to_cube(16).preprocess, "series");
  EXPECT_TRUE(test::same_voxels(prepared.volume.voxels_dhw, expected.volume.voxels_dhw));
  EXPECT_EQ(prepared.volume.geometry, expected.volume.geometry);
  EXPECT_EQ(prepared.resample_shape, expected.resample_shape);
  EXPECT_FALSE(prepared.is_mask);
  EXPECT_EQ(prepared.source, grid_of(loaded));
  EXPECT_EQ(prepared.source.size_dhw, (SizeDhw{10, 48, 64}));
  EXPECT_EQ(prepared.report.source_slice_count, 10);
}

TEST(Prepare, ASeriesOfTheOtherModalityIsRefused) {
  TempDir dir;
  write_dicom_series(dir / "series", test::smooth_volume(4, 32, 32), {});
  PrepareOptions options;
  options.modality = Modality::mr;
  EXPECT_PILLAR_ERROR(prepare_series(scan_dicom(dir / "series").series.at(0), dir / "series", options),
                      ErrorCategory::input, HasSubstr("is CT, the configuration is for MR"));
}

TEST(Prepare, AVolumeFileIsTakenForCtWithAWarningThatNamesNoPath) {
  TempDir dir;
  write_volume_file(dir / "a.nii.gz", test::smooth_volume(10, 40, 44));
  PrepareOptions options = to_cube(12);
  const PreparedVolume unsaid = prepare_volume_file(dir / "a.nii.gz", options);
  EXPECT_THAT(unsaid.report.notes, ElementsAre(HasSubstr("modality not given, taken for CT")));
  EXPECT_THAT(unsaid.report.notes[0], ::testing::Not(HasSubstr("a.nii")));
  options.modality = Modality::ct;
  const PreparedVolume said = prepare_volume_file(dir / "a.nii.gz", options);
  EXPECT_THAT(said.report.notes, IsEmpty());
  EXPECT_TRUE(test::same_voxels(said.volume.voxels_dhw, unsaid.volume.voxels_dhw));
  EXPECT_EQ(size_dhw(said.volume.voxels_dhw), (SizeDhw{12, 12, 12}));
  EXPECT_EQ(said.source.size_dhw, (SizeDhw{10, 40, 44}));
  EXPECT_EQ(said.report.source_slice_count, 10);
}

TEST(Prepare, AxesAreBroughtToThoseAskedForBeforeAnythingElse) {
  TempDir dir;
  Volume volume = test::smooth_volume(10, 40, 44);
  volume.geometry = test::axis_aligned({0.8, 0.9, 2.5}, {-10, 20, 30});
  PrepareOptions options = to_cube(12);
  options.modality = Modality::ct;
  options.axes = kAxialBodyAxes;
  write_volume_file(dir / "SPL.nrrd", volume);
  const PreparedVolume expected = prepare_volume_file(dir / "SPL.nrrd", options);
  EXPECT_TRUE(expected.order.keeps_all());
  for (const char* axes : {"IPL", "SAR", "LSA"}) {
    const Volume stored = reordered(volume, axis_order(volume.geometry, parse_body_axes(axes)));
    write_volume_file(dir / "other.nrrd", stored);
    const PreparedVolume prepared = prepare_volume_file(dir / "other.nrrd", options);
    EXPECT_TRUE(test::same_voxels(prepared.volume.voxels_dhw, expected.volume.voxels_dhw)) << axes;
    EXPECT_EQ(prepared.source.size_dhw, size_dhw(stored.voxels_dhw));
    EXPECT_EQ(prepared.order, axis_order(stored.geometry, kAxialBodyAxes));
  }
}

TEST(Prepare, AVolumeFileIsNamedWithoutItsExtension) {
  EXPECT_EQ(volume_file_name("scans/P1.nii.gz"), "P1");
  EXPECT_EQ(volume_file_name("P1.2.nrrd"), "P1.2");
}

}  // namespace
}  // namespace pillar
