#include "data/scan/annotation.h"

#include "pillar/data/model_input.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/sample.h"

#include "data/scan/fitted_input.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr double kBright = 900;

PreprocessSpec spec_of(const SizeDhw& size_dhw) {
  PreprocessSpec spec = default_preprocess_spec("ct", size_dhw);
  spec.intensity = IntensityMap::native;
  spec.target_spacing_xyz_mm.reset();
  return spec;
}

// -1000 everywhere but in the box, so that the scan shows where its mask must lie.
Volume scan_with(const SizeDhw& size, const VoxelBox& box, const Geometry& geometry) {
  Volume volume;
  volume.geometry = geometry;
  volume.voxels_dhw = at::full(size, -1000, at::kShort);
  at::Tensor part = volume.voxels_dhw;
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    part = part.narrow(axis, box.first_dhw[i], box.end_dhw[i] - box.first_dhw[i]);
  }
  part.fill_(kBright);
  return volume;
}

Volume mask_of(const Volume& scan, at::ScalarType dtype = at::kByte) {
  Volume mask = scan;
  mask.voxels_dhw = scan.voxels_dhw.eq(kBright).to(dtype);
  return mask;
}

Scan read_with(const fs::path& path, const PreprocessSpec& spec) {
  return open_scan({path, ""}, {prepare_options(spec), 1}).read();
}

const VoxelBox kBox = {{2, 10, 5}, {6, 21, 19}};
const SizeDhw kScanDhw = {9, 40, 36};

TEST(Annotation, AVolumeFilesMaskLiesOnItVoxelByVoxel) {
  TempDir dir;
  const Volume scan = scan_with(kScanDhw, kBox, test::oblique({0.8, 0.8, 2.5}, {-10, 4, 7}));
  write_volume_file(dir / "scan.nii.gz", scan);
  const PreprocessSpec spec = spec_of({12, 32, 44});
  const Scan read = read_with(dir / "scan.nii.gz", spec);
  const at::Tensor inside = read.volume.voxels_dhw.eq(kBright);
  for (const at::ScalarType dtype : {at::kByte, at::kUInt16, at::kShort, at::kFloat}) {
    write_volume_file(dir / "mask.nrrd", mask_of(scan, dtype));
    Notes notes;
    const at::Tensor mask = read_annotation({dir / "mask.nrrd", {}}, read, spec, notes);
    ASSERT_EQ(mask.scalar_type(), at::kByte);
    EXPECT_TRUE(at::equal(mask.to(at::kBool), inside)) << c10::toString(dtype);
    EXPECT_THAT(notes, IsEmpty());
  }
  Notes notes;
  EXPECT_TRUE(at::equal(read_annotation({{}, {kBox}}, read, spec, notes).to(at::kBool), inside))
      << "a box is the mask that it fills";
  EXPECT_FALSE(read_annotation({}, read, spec, notes).defined());
}

TEST(Annotation, IsResampledAsItsScanIs) {
  TempDir dir;
  const Volume scan =
      scan_with({20, 40, 40}, {{6, 10, 8}, {14, 24, 30}}, test::axis_aligned({1, 1, 1}, {5, 6, 7}));
  write_volume_file(dir / "scan.nii.gz", scan);
  write_volume_file(dir / "mask.nii.gz", mask_of(scan));
  PreprocessSpec spec = spec_of({8, 24, 16});
  spec.target_spacing_xyz_mm = {2, 1.25, 1.5};
  const Scan read = read_with(dir / "scan.nii.gz", spec);
  Notes notes;
  const at::Tensor mask = read_annotation({dir / "mask.nii.gz", {}}, read, spec, notes);
  ASSERT_EQ(mask.sizes(), read.volume.voxels_dhw.sizes());
  EXPECT_TRUE(at::equal(mask, read_annotation({{}, {{{6, 10, 8}, {14, 24, 30}}}}, read, spec, notes)));
  // Linear and nearest differ by half a voxel at the edge: what is wholly bright is inside, what is dark is
  // not.
  const at::Tensor voxels = read.volume.voxels_dhw, inside = mask.to(at::kBool);
  EXPECT_TRUE(inside.masked_select(voxels.eq(kBright)).all().item<bool>());
  EXPECT_FALSE(inside.masked_select(voxels.eq(-1000)).any().item<bool>());
  EXPECT_GT(mask.sum().item<std::int64_t>(), 100);
}

// A series whose upper slices are twice as far apart: what is resampled from where its planes lie is no even
// stack any more, so its mask is looked up by place.
TEST(Annotation, OfUnevenSlicesGoesByPlace) {
  TempDir dir;
  const VoxelBox box = {{4, 10, 8}, {16, 30, 28}};
  const Volume scan = scan_with({21, 40, 36}, box, test::axis_aligned({1, 1, 2}, {5, 6, 7}));
  write_dicom_series(dir / "scan", scan, {});
  for (int k : {11, 13, 15, 17, 19}) ASSERT_TRUE(fs::remove(dir / fmt::format("scan/im{:04}.dcm", k)));
  write_volume_file(dir / "mask.nii.gz", mask_of(scan));
  PreprocessSpec spec = spec_of({40, 24, 16});
  spec.target_spacing_xyz_mm = {2, 1.25, 1.5};
  const Scan read = read_with(dir / "scan", spec);
  ASSERT_TRUE(read.from_true_positions);
  EXPECT_EQ(read.source->size_dhw, (SizeDhw{21, 40, 36}));
  Notes notes;
  for (const StudyAnnotation& annotation :
       {StudyAnnotation{dir / "mask.nii.gz", {}}, StudyAnnotation{{}, {box}}}) {
    const at::Tensor mask = read_annotation(annotation, read, spec, notes);
    ASSERT_EQ(mask.sizes(), read.volume.voxels_dhw.sizes());
    const at::Tensor inside = mask.to(at::kBool), bright = read.volume.voxels_dhw.gt(-50);
    const auto count = [](const at::Tensor& voxels) { return voxels.sum().item<double>(); };
    EXPECT_GT(count(inside.logical_and(bright)), 0.85 * count(inside.logical_or(bright)));
    EXPECT_GT(count(inside), 500);
  }
}

TEST(Annotation, AMaskOfAnotherSizeIsPlacedByGeometry) {
  TempDir dir;
  const Volume scan = scan_with(kScanDhw, kBox, test::axis_aligned({0.8, 0.8, 2.5}, {-10, 4, 7}));
  write_volume_file(dir / "scan.nii.gz", scan);
  const PreprocessSpec spec = spec_of(kScanDhw);
  const Scan read = read_with(dir / "scan.nii.gz", spec);
  Volume part = mask_of(scan);  // the slices and rows around the box alone
  part.voxels_dhw = part.voxels_dhw.narrow(0, 1, 6).narrow(1, 8, 20).contiguous();
  part.geometry.origin_xyz_mm = scan.geometry.point({0, 8, 1});
  write_volume_file(dir / "mask.nii.gz", part);
  Notes notes;
  EXPECT_TRUE(at::equal(read_annotation({dir / "mask.nii.gz", {}}, read, spec, notes).to(at::kBool),
                        read.volume.voxels_dhw.eq(kBright)));
  part.geometry.origin_xyz_mm = {5000, 0, 0};
  write_volume_file(dir / "mask.nii.gz", part);
  EXPECT_PILLAR_ERROR(read_annotation({dir / "mask.nii.gz", {}}, read, spec, notes), ErrorCategory::input,
                      AllOf(HasSubstr("mask.nii.gz"), HasSubstr("beside its scan")));
}

TEST(Annotation, AnotherGeometryOfTheSameSizeIsNoted) {
  TempDir dir;
  const Volume scan = scan_with(kScanDhw, kBox, test::axis_aligned({0.8, 0.8, 2.5}, {-10, 4, 7}));
  write_volume_file(dir / "scan.nii.gz", scan);
  Volume mask = mask_of(scan);
  mask.geometry = {};
  write_volume_file(dir / "mask.nii.gz", mask);
  const PreprocessSpec spec = spec_of(kScanDhw);
  Notes notes;
  const Scan read = read_with(dir / "scan.nii.gz", spec);
  EXPECT_TRUE(at::equal(read_annotation({dir / "mask.nii.gz", {}}, read, spec, notes), mask.voxels_dhw));
  EXPECT_THAT(notes, SizeIs(1));
}

fs::path write_scan_sample(const fs::path& path, const Volume& volume, bool is_mask = false) {
  SampleMetadata metadata;
  metadata.accession = "A1";
  metadata.is_mask = is_mask;
  if (is_mask) metadata.modality = Modality::mr;
  SampleWriteOptions options;
  options.threads = 1;
  if (is_mask) options.archive = Archive::tar_lz4;
  write_sample(path, volume, metadata, options);
  return path;
}

TEST(Annotation, TurnsWithItsScanWhateverAxesEachIsStoredAlong) {
  TempDir dir;
  const Volume scan =
      scan_with({20, 40, 30}, {{6, 10, 8}, {14, 24, 30}}, test::axis_aligned({1, 1, 1}, {5, 6, 7}));
  const auto stored_along = [](const Volume& volume, const char* axes) {
    return reordered(volume, axis_order(volume.geometry, parse_body_axes(axes)));
  };
  PreprocessSpec spec = spec_of({12, 24, 20});
  spec.target_spacing_xyz_mm = {2, 1.25, 1.5};
  const auto masked_input = [&](const char* scan_axes, const char* mask_axes,
                                const char* boxes_of = nullptr) {
    write_volume_file(dir / "scan.nii.gz", stored_along(scan, scan_axes));
    write_volume_file(dir / "mask.nii.gz", stored_along(mask_of(scan), mask_axes));
    const Scan read = read_with(dir / "scan.nii.gz", spec);
    Notes notes;
    StudyAnnotation marked{dir / "mask.nii.gz", {}};
    if (boxes_of != nullptr) marked = {{}, {{{0, 6, 10}, {22, 14, 24}}}};  // the box in a scan along RSP
    const at::Tensor mask = read_annotation(marked, read, spec, notes);
    EXPECT_THAT(notes, IsEmpty());
    const FittedInput fitted = fit_input(read, spec, notes, std::nullopt);
    at::Tensor out = at::full({12, 24, 20}, 7, at::kByte);
    write_mask(mask, fitted.placement, out.mutable_data_ptr<std::uint8_t>());
    return out;
  };
  const at::Tensor expected = masked_input("SPL", "SPL");
  EXPECT_GT(expected.sum().item<std::int64_t>(), 100);
  for (const char* axes : {"IPL", "SAL", "SAR", "LSA", "PIR"}) {
    EXPECT_TRUE(at::equal(masked_input(axes, axes), expected)) << axes;
    EXPECT_TRUE(at::equal(masked_input("SAL", axes), expected)) << axes << " on SAL";
  }
  EXPECT_TRUE(at::equal(masked_input("RSP", "SPL", "RSP"), expected)) << "boxes are of the stored scan";
}

TEST(Annotation, OfAStoredSampleLiesOnTheGridOfTheSampleThatItsScanWouldMake) {
  TempDir dir;
  const Volume scan = scan_with(kScanDhw, kBox, test::axis_aligned({1, 1, 1}, {0, 0, 0}));
  const Volume turned = reordered(scan, axis_order(scan.geometry, parse_body_axes("LSA")));
  write_volume_file(dir / "scan.nii.gz", turned);
  Volume mask = mask_of(turned, at::kUInt16);
  mask.modality = Modality::mr;
  mask.oriented = false;
  PreprocessSpec spec = spec_of({9, 30, 36});
  const Scan read = read_with(dir / "scan.nii.gz", spec);
  mask.voxels_dhw = mask.voxels_dhw.narrow(2, 5, 30).contiguous();
  Notes notes;
  const fs::path path = write_scan_sample(dir / "M1.tar.lz4", mask, true);
  EXPECT_TRUE(at::equal(read_annotation({path, {}}, read, spec, notes).to(at::kBool),
                        read.volume.voxels_dhw.eq(kBright)));
}

TEST(Annotation, AnArchiveOfAMaskBelongsToItsSample) {
  TempDir dir;
  const Volume scan = scan_with(kScanDhw, kBox, {});
  const fs::path path = write_scan_sample(dir / "A1.1.0", scan);
  Volume mask = mask_of(scan, at::kUInt16);
  mask.modality = Modality::mr;
  const fs::path mask_path = write_scan_sample(dir / "A1.1.0.tar.lz4", mask, true);
  const PreprocessSpec spec = spec_of(kScanDhw);
  Notes notes;
  const Scan read = read_with(path, spec);
  EXPECT_TRUE(at::equal(read_annotation({mask_path, {}}, read, spec, notes).to(at::kBool),
                        read.volume.voxels_dhw.eq(kBright)));
  EXPECT_PILLAR_ERROR(read_annotation({path, {}}, read, spec, notes), ErrorCategory::input,
                      AllOf(HasSubstr("A1.1.0"), HasSubstr("no segmentation mask")));
}

// `fault` of headers, and again where only the voxels are read.
void expect_fault(const StudyAnnotation& annotation, const fs::path& path, ErrorCategory category,
                  const ::testing::Matcher<std::string>& fault) {
  const PreprocessSpec spec = spec_of(kScanDhw);
  const OpenedScan opened = open_scan({path, "A1"}, {prepare_options(spec), 1});
  EXPECT_PILLAR_ERROR(check_annotation(annotation, path, opened), category, fault);
  Notes notes;
  EXPECT_PILLAR_ERROR(read_annotation(annotation, opened.read(), spec, notes), category, fault);
}

TEST(Annotation, WhatDoesNotFitIsRefused) {
  TempDir dir;
  const fs::path path = write_scan_sample(dir / "A1.1.0", scan_with(kScanDhw, kBox, {}));
  expect_fault({dir / "none.nii.gz", {}}, path, ErrorCategory::io, HasSubstr("none.nii.gz"));
  expect_fault({{}, {{{0, 0, 0}, {10, 4, 4}}}}, path, ErrorCategory::input,
               AllOf(HasSubstr("10,4,4"), HasSubstr("9x40x36")));
  expect_fault({{}, {{{0, 4, 0}, {1, 4, 4}}}}, path, ErrorCategory::input, HasSubstr("0,4,0"));
  expect_fault({{}, {{{0, -1, 0}, {1, 4, 4}}}}, path, ErrorCategory::input, HasSubstr("0,-1,0"));
  fs::create_directory(dir / "folder");
  expect_fault({dir / "folder", {}}, path, ErrorCategory::input, HasSubstr("NIfTI"));
}

TEST(Annotation, AnotherSizeWithoutGeometryNamesBoth) {
  TempDir dir;
  const Volume scan = scan_with(kScanDhw, kBox, {});
  Scan blind;
  blind.name = "A1";
  blind.volume = scan;
  Volume mask = mask_of(scan);
  mask.voxels_dhw = mask.voxels_dhw.narrow(0, 0, 8).contiguous();
  write_volume_file(dir / "mask.nrrd", mask);
  Notes notes;
  const auto fault = AllOf(HasSubstr("mask.nrrd"), HasSubstr("8x40x36"), HasSubstr("9x40x36"));
  EXPECT_PILLAR_ERROR(read_annotation({dir / "mask.nrrd", {}}, blind, spec_of(kScanDhw), notes),
                      ErrorCategory::input, fault);
  OpenedScan opened;
  opened.stored_dhw = kScanDhw;
  EXPECT_PILLAR_ERROR(check_annotation({dir / "mask.nrrd", {}}, dir / "A1.1.0", opened), ErrorCategory::input,
                      fault);
  opened.geometry_known = true;
  check_annotation({dir / "mask.nrrd", {}}, dir / "A1.1.0", opened);
}

}  // namespace
}  // namespace pillar
