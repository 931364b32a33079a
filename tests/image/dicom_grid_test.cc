// Planes that lie on no even grid: uneven, tilted, beside each other.
#include "image/dicom/dicom_grid.h"

#include "pillar/image/prepare.h"

#include "image/dicom_fixture.h"
#include "support/cases.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>
#include <functional>

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::counting_volume;
using test::load_only_series;
using test::Loaded;
using test::set_text;
using test::TempDir;
using test::write_edited_series;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using Point3 = std::array<double, 3>;

// HU of a phantom in which they vary linearly.
double linear_field(const Point3& p) {
  return 3 * p[0] + 2 * p[1] + 6 * p[2] - 400;
}

struct Plane {
  Point3 position;
  std::array<double, 6> orientation = {1, 0, 0, 0, 1, 0};
};

// Planes of 20 x 24 pixels of 0.5 x 0.75 mm through a phantom.
void write_planes(const fs::path& folder, const std::vector<Plane>& planes,
                  const std::function<double(const Point3&)>& phantom) {
  Volume volume = counting_volume(static_cast<std::int64_t>(planes.size()), 20, 24);
  for (std::size_t k = 0; k < planes.size(); ++k) {
    const auto& o = planes[k].orientation;
    for (int j = 0; j < 20; ++j) {
      for (int i = 0; i < 24; ++i) {
        Point3 p = planes[k].position;
        for (std::size_t axis = 0; axis < 3; ++axis) p[axis] += 0.5 * i * o[axis] + 0.75 * j * o[3 + axis];
        volume.voxels_dhw[static_cast<std::int64_t>(k)][j][i] = static_cast<int>(std::lround(phantom(p)));
      }
    }
  }
  write_edited_series(folder, volume, [&](DcmDataset& dataset, int k) {
    set_text(dataset, DCM_ImagePositionPatient,
             fmt::format("{:.9g}", fmt::join(planes[static_cast<std::size_t>(k)].position, "\\")));
    set_text(dataset, DCM_ImageOrientationPatient,
             fmt::format("{:.9g}", fmt::join(planes[static_cast<std::size_t>(k)].orientation, "\\")));
  });
}

std::vector<Plane> planes_at(const std::vector<double>& z) {
  std::vector<Plane> planes;
  for (double place : z) planes.push_back({{-10, 20, place}});
  return planes;
}

// Rows along x, columns tilted about x, stacked along z every 4 mm.
std::vector<Plane> tilted_planes(int count, double degrees) {
  std::vector<Plane> planes;
  const double angle = degrees * 3.14159265358979 / 180;
  for (int k = 0; k < count; ++k)
    planes.push_back({{-10, 20, 30 + 4.0 * k}, {1, 0, 0, 0, std::cos(angle), std::sin(angle)}});
  return planes;
}

// The largest difference from a phantom, of voxels that pass; and how many pass.
std::pair<double, std::int64_t> worst_difference(
    const Volume& volume, const std::function<double(const Point3&)>& phantom,
    const std::function<bool(const Point3&, const Point3&)>& passes) {
  double worst = 0;
  std::int64_t count = 0;
  const at::Tensor values = volume.voxels_dhw.to(at::kDouble);
  const auto [depth, height, width] = size_dhw(values);
  const double* value = values.const_data_ptr<double>();
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t j = 0; j < height; ++j) {
      for (std::int64_t i = 0; i < width; ++i, ++value) {
        const Point3 index = {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
        const Point3 point = volume.geometry.point(index);
        if (!passes(index, point)) continue;
        worst = std::max(worst, std::abs(*value - phantom(point)));
        ++count;
      }
    }
  }
  return {worst, count};
}

DicomLoadOptions to_spacing(const Point3& spacing) {
  DicomLoadOptions options;
  options.target_spacing_xyz_mm = spacing;
  return options;
}

TEST(UnevenPlanes, ALinearFieldComesBackExact) {
  TempDir dir;
  const std::vector<double> z = {30, 31, 32.5, 36, 38, 44, 45.25, 52};
  write_planes(dir.path(), planes_at(z), linear_field);
  for (const Point3& spacing : {Point3{0.5, 0.75, 1.25}, {0.4, 0.6, 0.7}, {1, 1, 5}}) {
    const Loaded loaded = load_only_series(dir.path(), to_spacing(spacing));
    EXPECT_EQ(loaded.volume.geometry.spacing_xyz_mm, spacing);
    EXPECT_EQ(loaded.volume.geometry.origin_xyz_mm, (Point3{-10, 20, 30}));
    const auto [worst, count] = worst_difference(
        loaded.volume, linear_field,
        [](const Point3&, const Point3& p) { return p[0] <= 1.5 && p[1] <= 34.25 && p[2] <= 52; });
    EXPECT_LE(worst, 1.01) << spacing[2];  // half of the phantom's rounding, half of ours
    EXPECT_GT(count, 100);
    // The last plane has its share.
    const Point3 last =
        loaded.volume.geometry.point({0, 0, static_cast<double>(loaded.volume.voxels_dhw.size(0) - 1)});
    EXPECT_GT(last[2], 45.25);
    EXPECT_EQ(loaded.report.slice_positions_mm, (std::vector<double>{0, 1, 2.5, 6, 8, 14, 15.25, 22}));
    EXPECT_THAT(loaded.report.filled_positions_mm, IsEmpty());
    EXPECT_THAT(loaded.report.notes, Contains(HasSubstr("resampled from where they lie")));
  }
}

TEST(UnevenPlanes, AreAsFineAsTheirFinestWithoutATarget) {
  TempDir dir;
  write_planes(dir.path(), planes_at({30, 34, 38, 42, 46, 54, 62, 70, 78}), linear_field);
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_THAT(size_dhw(loaded.volume.voxels_dhw), ElementsAre(13, 20, 24));
  EXPECT_EQ(loaded.volume.geometry.spacing_xyz_mm, (Point3{0.5, 0.75, 4}));
  EXPECT_EQ(*loaded.report.own_grid, grid_of(loaded.volume));
  const auto everywhere = [](const Point3&, const Point3&) { return true; };
  EXPECT_LE(worst_difference(loaded.volume, linear_field, everywhere).first, 1.01);

  DicomLoadOptions ignore;
  ignore.gaps = GapPolicy::ignore;
  const Loaded stacked = load_only_series(dir.path(), ignore);
  EXPECT_EQ(stacked.volume.voxels_dhw.size(0), 9);
  EXPECT_FALSE(stacked.report.own_grid.has_value());
}

TEST(UnevenPlanes, DescendingOnesAreTheSameScan) {
  TempDir dir;
  write_planes(dir.path(), planes_at({78, 70, 62, 54, 46, 42, 38, 34, 30}), linear_field);
  const Volume volume = load_only_series(dir.path(), to_spacing({0.5, 0.75, 1.25})).volume;
  EXPECT_THAT(volume.geometry.axis(2), ElementsAre(0, 0, -1));
  EXPECT_LE(worst_difference(volume, linear_field, [](const Point3&, const Point3&) { return true; }).first,
            1.01);
}

TEST(UnevenPlanes, PlanesBesideTheLineArePutWhereTheyLie) {
  TempDir dir;
  std::vector<Plane> planes = planes_at({30, 32, 34, 36, 38, 40});
  planes[2].position[0] += 3;
  planes[3].position[1] -= 2;
  write_planes(dir.path(), planes, linear_field);
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_THAT(loaded.report.notes,
              Contains(AllOf(HasSubstr("beside the line"), HasSubstr("where they lie"))));
  const auto [worst, count] =
      worst_difference(loaded.volume, linear_field, [](const Point3&, const Point3& p) {
        return p[0] >= -7 && p[0] <= 1.5 && p[1] >= 20 && p[1] <= 32;  // within every plane
      });
  EXPECT_LE(worst, 1.01);
  EXPECT_GT(count, 1000);
}

TEST(GantryTilt, IsCorrectedToAGridAlongTheTable) {
  TempDir dir;
  for (double degrees : {15.0, -20.0}) {
    write_planes(dir / fmt::format("{}", degrees), tilted_planes(12, degrees), linear_field);
    const Loaded loaded = load_only_series(dir / fmt::format("{}", degrees));
    const Volume& volume = loaded.volume;
    EXPECT_NEAR(*loaded.report.gantry_tilt_corrected_deg, std::abs(degrees), 1e-6);
    EXPECT_THAT(loaded.report.notes, Contains(AllOf(HasSubstr("gantry tilt"), HasSubstr("along the table"))));
    for (std::size_t i = 0; i < 9; ++i)
      EXPECT_NEAR(volume.geometry.direction[i], i % 4 == 0 ? 1 : 0, 1e-9) << degrees;
    EXPECT_NEAR(volume.geometry.spacing_xyz_mm[2], 4, 1e-6);
    // A straight rod along z is a column of voxels; the field is exact within the stack.
    const double slope = std::tan(degrees * 3.14159265358979 / 180);
    const auto [worst, count] = worst_difference(volume, linear_field, [&](const Point3&, const Point3& p) {
      const double foot = 30 + (p[1] - 20) * slope;
      return p[1] <= 20 + 19 * 0.75 * std::cos(degrees * 3.14159265358979 / 180) && p[2] >= foot &&
             p[2] <= foot + 44;
    });
    EXPECT_LE(worst, 1.01);
    EXPECT_GT(count, 3000);
    // Nothing is cut: the box holds the first and the last plane's corners.
    const Point3 low = volume.geometry.point({0, 0, 0});
    const Point3 high = volume.geometry.point({0, 0, static_cast<double>(volume.voxels_dhw.size(0) - 1)});
    const double rise = 19 * 0.75 * std::sin(degrees * 3.14159265358979 / 180);
    EXPECT_LE(low[2], 30 + std::min(0.0, rise) + 1e-6);
    EXPECT_GE(high[2], 74 + std::max(0.0, rise) - 1e-6);
  }
}

TEST(GantryTilt, ThePolicyDecides) {
  TempDir dir;
  write_planes(dir.path(), tilted_planes(6, 15), linear_field);
  DicomLoadOptions options;
  options.gantry_tilt = TiltPolicy::refuse;
  EXPECT_PILLAR_ERROR(load_only_series(dir.path(), options), ErrorCategory::input,
                      AllOf(HasSubstr(dir.path().string()), HasSubstr("15.00 degrees")));
  options.gantry_tilt = TiltPolicy::keep;
  const Loaded kept = load_only_series(dir.path(), options);
  EXPECT_THAT(size_dhw(kept.volume.voxels_dhw), ElementsAre(6, 20, 24));
  EXPECT_NEAR(kept.volume.geometry.spacing_xyz_mm[2], 4, 1e-6);
  EXPECT_FALSE(kept.report.own_grid.has_value());
  EXPECT_THAT(kept.report.notes, ElementsAre(AllOf(HasSubstr("gantry tilt"), HasSubstr("not sheared back"))));
}

TEST(GantryTilt, TiltedAndUnevenPlanesAreResampledOnce) {
  TempDir dir;
  std::vector<Plane> planes = tilted_planes(9, 15);
  for (std::size_t k = 5; k < planes.size(); ++k) planes[k].position[2] += 4.0 * static_cast<double>(k - 4);
  write_planes(dir.path(), planes, linear_field);
  const Volume volume = load_only_series(dir.path(), to_spacing({0.5, 0.5, 1})).volume;
  const auto [worst, count] = worst_difference(volume, linear_field, [](const Point3&, const Point3& p) {
    return p[0] <= 1.5 && p[1] <= 33 && p[2] >= 34 && p[2] <= 76;
  });
  EXPECT_LE(worst, 1.01);
  EXPECT_GT(count, 5000);
}

TEST(Padding, CountsAsAirBeforeResampling) {
  TempDir dir;
  Volume volume = counting_volume(6, 8, 8);
  volume.voxels_dhw.fill_(40);
  volume.voxels_dhw.slice(2, 0, 3).fill_(-2000);
  write_dicom_series(dir.path(), volume, {});
  PrepareOptions options;
  options.preprocess.target_spacing_xyz_mm = {0.4, 0.6, 2};
  const auto prepare = [&] {
    return prepare_series(scan_dicom(dir.path()).series.at(0), dir.path(), options);
  };
  const PreparedVolume padded = prepare();
  EXPECT_EQ(padded.volume.voxels_dhw.min().item<int>(), -1024);
  EXPECT_THAT(padded.report.notes, Contains(HasSubstr("144 voxels are padding")));
  options.padding_is_air = false;
  EXPECT_LT(prepare().volume.voxels_dhw.min().item<int>(), -1024);
  options.padding_is_air = true;
  options.preprocess.target_spacing_xyz_mm.reset();  // nothing is mixed: every voxel stays
  EXPECT_EQ(prepare().volume.voxels_dhw.min().item<int>(), -2000);
}

TEST(Padding, PixelPaddingValueIsReadAsThePixelsAreSigned) {
  TempDir dir;
  Volume volume = counting_volume(4, 8, 8);
  volume.voxels_dhw.fill_(40);
  volume.voxels_dhw.slice(2, 0, 3).fill_(-1500);
  write_edited_series(dir.path(), volume, [](DcmDataset& dataset, int) {
    dataset.putAndInsertUint16(DCM_PixelPaddingValue, static_cast<Uint16>(-1500));
  });
  DicomLoadOptions options = to_spacing({1, 1, 1});
  options.padding_is_air = true;
  EXPECT_EQ(load_only_series(dir.path(), options).volume.voxels_dhw.min().item<int>(), -1024);
}

TEST(Padding, AValueThatTissueCouldHaveCountsOnlyWhereItFillsTheCorners) {
  TempDir dir;
  for (bool in_corners : {false, true}) {
    const fs::path folder = dir / (in_corners ? "corners" : "inside");
    Volume volume = counting_volume(4, 8, 8);
    volume.voxels_dhw.fill_(-900);
    volume.voxels_dhw.slice(2, 3, 5).fill_(0);
    if (in_corners) volume.voxels_dhw.slice(2, 0, 1).fill_(0), volume.voxels_dhw.slice(2, 7, 8).fill_(0);
    write_edited_series(folder, volume, [](DcmDataset& dataset, int) {
      dataset.putAndInsertUint16(DCM_PixelPaddingValue, 0);
    });
    DicomLoadOptions options = to_spacing({1, 1, 1});
    options.padding_is_air = true;
    EXPECT_EQ(load_only_series(folder, options).volume.voxels_dhw.min().item<int>(),
              in_corners ? -1024 : -900);
  }
}

TEST(DicomGridCases, AHeadOfFourThenEightMillimetres) {
  PILLAR_NEEDS_CASE("head_4mm_then_8mm");
  const fs::path folder = test::scan_case("head_4mm_then_8mm/in");
  PrepareOptions options;
  options.preprocess.target_spacing_xyz_mm = {0.5, 0.5, 1.25};
  const PreparedVolume prepared = prepare_series(scan_dicom(folder).series.at(0), folder, options);
  const Volume& volume = prepared.volume;
  // By the scan's own columns and rows of 0.9 x 1.2 mm from (-12,-20,50).
  const auto field = [](const Point3& p) {
    return 3 * (p[0] + 12) / 0.9 + 2 * (p[1] + 20) / 1.2 + 6 * (p[2] - 50) - 400;
  };
  const auto within = [](const Point3&, const Point3& p) { return p[0] <= 12.3 && p[1] <= 17.2; };
  const auto in_lesion = [&](const Point3&, const Point3& p) {  // columns and rows 10 to 13, 8 mm up
    return p[0] > -4 && p[0] < 1 && p[1] > -9.5 && p[1] < -3 && p[2] > 54 && p[2] < 62;
  };
  const auto [worst, count] = worst_difference(volume, field, [&](const Point3& index, const Point3& p) {
    return within(index, p) && !in_lesion(index, p);
  });
  EXPECT_LE(worst, 1);
  EXPECT_GT(count, 50000);
  EXPECT_GT(worst_difference(volume, field, in_lesion).first, 250);  // of 300 HU, 0.5 mm from its plane
  const double last = volume.geometry.point({0, 0, static_cast<double>(volume.voxels_dhw.size(0) - 1)})[2];
  EXPECT_EQ(volume.geometry.origin_xyz_mm[2], 50);
  EXPECT_GT(last, 114 - 1.25);
  EXPECT_LE(last, 114 + 1.25);
}

TEST(DicomGridCases, ARodThroughATiltedGantryIsStraight) {
  PILLAR_NEEDS_CASE("tilt_15");
  const fs::path folder = test::scan_case("tilt_15/in");
  PrepareOptions options;
  options.preprocess.target_spacing_xyz_mm = {1, 1, 1.25};
  for (bool native : {true, false}) {
    if (native)
      options.preprocess.target_spacing_xyz_mm.reset();
    else
      options.preprocess.target_spacing_xyz_mm = {1, 1, 1.25};
    const Volume volume = prepare_series(scan_dicom(folder).series.at(0), folder, options).volume;
    for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(volume.geometry.direction[i], i % 4 == 0 ? 1 : 0, 1e-5);
    const at::Tensor values = volume.voxels_dhw.to(at::kDouble);
    const double background = values.median().item<double>();
    std::int64_t met = 0;
    for (std::int64_t k = 0; k < values.size(0); ++k) {
      const at::Tensor rod = (values[k] - background).clamp_min(300) - 300;
      const double mass = rod.sum().item<double>();
      if (mass <= 0) continue;
      ++met;
      const double j = (rod.sum(1) * at::arange(rod.size(0), at::kDouble)).sum().item<double>() / mass;
      const double i = (rod.sum(0) * at::arange(rod.size(1), at::kDouble)).sum().item<double>() / mass;
      const Point3 centre = volume.geometry.point({i, j, static_cast<double>(k)});
      EXPECT_NEAR(centre[0], 0, 1);
      EXPECT_NEAR(centre[1], 4, 1);
    }
    EXPECT_GE(met, values.size(0) * 3 / 4) << native;
  }
}

TEST(DicomGridCases, AnMrUnderASegFolderIsAnMr) {
  PILLAR_NEEDS_CASE("mr_under_a_seg_folder");
  PrepareOptions options;
  options.modality = Modality::mr;
  options.preprocess.target_spacing_xyz_mm = {1, 1, 1};
  const PreparedVolume prepared =
      prepare_volume_file(test::scan_case("mr_under_a_seg_folder/miccai_seg_images/t1.nii.gz"), options);
  EXPECT_FALSE(prepared.is_mask);
  EXPECT_EQ(prepared.volume.voxels_dhw.scalar_type(), at::kUInt16);
  EXPECT_EQ(prepared.volume.voxels_dhw.to(at::kInt).max().item<int>(), 65535);
}

}  // namespace
}  // namespace pillar
