// One patient however the scan was stored: what the model sees of DICOM, NIfTI and samples.
#include "pillar/data/load_model_input.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/sample.h"

#include "support/cases.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PreprocessSpec chest_of(const SizeDhw& size, double spacing_mm) {
  PreprocessSpec spec = default_preprocess_spec("chest_ct", size);
  spec.target_spacing_xyz_mm = {spacing_mm, spacing_mm, 1.5 * spacing_mm};
  return spec;
}

at::Tensor seen(const fs::path& scan, const PreprocessSpec& spec, Notes& notes) {
  return load_model_input(scan, spec, notes).voxels_cdhw;
}

Volume stored_scan_along(const Volume& volume, const char* axes) {
  return reordered(volume, axis_order(volume.geometry, parse_body_axes(axes)));
}

TEST(ScanAxes, TheFourFormsOfOneScanAreOnePatient) {
  PILLAR_NEEDS_CASE("orientations");
  const fs::path folder = test::scan_case("orientations");
  for (const double spacing_mm : {1.0, 1.7, 3.1}) {
    for (const bool flip : {true, false}) {
      PreprocessSpec spec = chest_of({20, 25, 30}, spacing_mm);
      spec.flip_depth = flip;
      Notes notes;
      const at::Tensor expected = seen(folder / "dicom", spec, notes);
      EXPECT_GT(expected.to(at::kFloat).std().item<float>(), 10);
      for (const char* form : {"LAS.nii.gz", "RAS.nii.gz", "LSA.nii.gz", "right.nii.gz"})
        EXPECT_TRUE(at::equal(seen(folder / form, spec, notes), expected)) << form << " " << spacing_mm;
      spec.axes.reset();
      EXPECT_FALSE(
          at::equal(seen(folder / "RAS.nii.gz", spec, notes), seen(folder / "LAS.nii.gz", spec, notes)))
          << "as stored";
    }
  }
}

TEST(ScanAxes, ASeriesNumberedFromTheHeadIsTheOneNumberedFromTheFeet) {
  test::TempDir dir;
  Volume volume = test::smooth_volume(11, 30, 26, 3);
  volume.geometry = test::axis_aligned({1.3, 1.1, 2.7}, {-20, 14, 300});
  write_dicom_series(dir / "up", volume, {});
  write_dicom_series(dir / "down", stored_scan_along(volume, "IPL"), {});
  write_dicom_series(dir / "sagittal", stored_scan_along(volume, "LIP"), {});
  write_volume_file(dir / "coronal.nrrd", stored_scan_along(volume, "PIR"));
  for (const SizeDhw& size : {SizeDhw{9, 20, 30}, SizeDhw{24, 25, 15}}) {
    Notes notes;
    const at::Tensor expected = seen(dir / "up", chest_of(size, 1.6), notes);
    EXPECT_THAT(notes, IsEmpty());
    for (const char* form : {"down", "sagittal", "coronal.nrrd"})
      EXPECT_TRUE(at::equal(seen(dir / form, chest_of(size, 1.6), notes), expected)) << form;
    EXPECT_THAT(notes, Contains(HasSubstr("stored along IPL (D,H,W), brought to SPL")));
  }
}

TEST(ScanAxes, ASampleKeepsWhatItTakes) {
  test::TempDir dir;
  const Volume volume = test::smooth_volume(34, 40, 36, 5);
  SampleMetadata metadata;
  metadata.accession = "A1";
  SampleWriteOptions options;
  options.mode = SampleMode::lossless;
  const PreprocessSpec spec = chest_of({30, 44, 35}, 1);
  Notes notes;
  write_sample(dir / "SPL", volume, metadata, options);
  const at::Tensor expected = seen(dir / "SPL", spec, notes);
  for (const char* axes : {"IPL", "SAL", "SAR", "LSA", "PIR"}) {
    write_sample(dir / axes, stored_scan_along(volume, axes), metadata, options);
    EXPECT_TRUE(at::equal(seen(dir / axes, spec, notes), expected)) << axes;
  }
}

TEST(ScanAxes, AFileThatDoesNotSayHowItLiesIsTakenAsItIsStored) {
  test::TempDir dir;
  const Volume volume = test::smooth_volume(8, 20, 24, 2);
  SampleMetadata metadata;
  metadata.accession = "A1";
  SampleWriteOptions options;
  options.mode = SampleMode::lossless;
  Volume unsaid = stored_scan_along(volume, "SAR");
  unsaid.oriented = false;
  write_sample(dir / "A1.1.0", unsaid, metadata, options);
  PreprocessSpec spec = chest_of({8, 20, 24}, 1);
  spec.flip_depth = false;
  spec.intensity = IntensityMap::native;
  Notes notes;
  EXPECT_TRUE(at::equal(seen(dir / "A1.1.0", spec, notes)[0], unsaid.voxels_dhw));
  const OpenedScan opened = open_scan({dir / "A1.1.0", ""}, {});
  EXPECT_FALSE(opened.read().geometry_known);
}

}  // namespace
}  // namespace pillar
