#include "pillar/data/model_input.h"

#include "pillar/image/preprocess.h"
#include "pillar/rave/hu_map.h"

#include "support/expect_error.h"
#include "support/volumes.h"

#include <cmath>
#include <limits>
#include <map>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Scan scan_of(at::Tensor voxels_dhw, Modality modality = Modality::ct) {
  Scan scan;
  scan.name = "PH1";
  scan.volume.voxels_dhw = std::move(voxels_dhw);
  scan.volume.modality = modality;
  return scan;
}

// Plain: no padding surprises, no flip, values as they are.
PreprocessSpec plain(const SizeDhw& size, const std::string& modality = "chest_ct") {
  PreprocessSpec spec = default_preprocess_spec(modality, size);
  spec.target_spacing_xyz_mm.reset();
  spec.flip_depth = false;
  spec.intensity = IntensityMap::native;
  return spec;
}

at::Tensor input(const Scan& scan, const PreprocessSpec& spec) {
  Notes notes;
  return model_input(scan, spec, notes).voxels_cdhw;
}

// int16 (D,H,W) whose value tells the index: 100 d + 10 h + w.
at::Tensor indexed(std::int64_t d, std::int64_t h, std::int64_t w) {
  at::Tensor voxels = at::zeros({d, h, w}, at::kShort);
  auto* data = voxels.mutable_data_ptr<std::int16_t>();
  for (std::int64_t i = 0; i < d * h * w; ++i)
    data[i] = static_cast<std::int16_t>(100 * (i / (h * w)) + 10 * (i / w % h) + i % w);
  return voxels;
}

std::int16_t at_dhw(const at::Tensor& voxels_cdhw, std::int64_t d, std::int64_t h, std::int64_t w) {
  return voxels_cdhw[0][d][h][w].item<std::int16_t>();
}

TEST(ModelInput, CropsTheCentreOfEachAxis) {
  const at::Tensor out = input(scan_of(indexed(7, 6, 5)), plain({4, 3, 2}));
  EXPECT_EQ(out.scalar_type(), at::kShort);
  EXPECT_EQ(out.sizes(), (at::IntArrayRef{1, 4, 3, 2}));
  EXPECT_EQ(at_dhw(out, 0, 0, 0), 111);  // (7-4)/2 = 1, (6-3)/2 = 1, (5-2)/2 = 1
  EXPECT_EQ(at_dhw(out, 3, 2, 1), 432);
}

TEST(ModelInput, PadsLessBeforeThanAfter) {
  const at::Tensor out = input(scan_of(indexed(2, 2, 2)), plain({5, 4, 3}));
  EXPECT_EQ(at_dhw(out, 1, 1, 0), 0);  // before: 3/2 = 1, 2/2 = 1, 1/2 = 0
  EXPECT_EQ(at_dhw(out, 2, 2, 1), 111);
  std::int64_t padding = 0;
  for (std::int64_t i = 0; i < out.numel(); ++i)
    padding += out.view({-1})[i].item<std::int16_t>() == -1 ? 1 : 0;
  EXPECT_EQ(padding, 5 * 4 * 3 - 8);
}

std::int16_t first_slice(std::int64_t depth, double depth_crop, bool flip = false) {
  PreprocessSpec spec = plain({3, 1, 1});
  spec.flip_depth = flip;
  Notes notes;
  const at::Tensor out = model_input(scan_of(indexed(depth, 1, 1)), spec, notes, depth_crop).voxels_cdhw;
  for (std::int64_t d = 1; d < 3; ++d)
    EXPECT_EQ(std::abs(at_dhw(out, d, 0, 0) - at_dhw(out, d - 1, 0, 0)), 100) << d;
  return at_dhw(out, flip ? 2 : 0, 0, 0);
}

TEST(ModelInput, ADrawnCropReachesEveryStartEvenly) {
  std::map<int, int> starts;
  for (int i = 0; i < 500; ++i) ++starts[first_slice(7, i / 500.0)];
  EXPECT_THAT(starts, ElementsAre(std::pair(0, 100), std::pair(100, 100), std::pair(200, 100),
                                  std::pair(300, 100), std::pair(400, 100)));
  EXPECT_EQ(first_slice(7, std::nextafter(1.0, 0.0)), 400);
  EXPECT_EQ(first_slice(7, 0.3, true), 100) << "in the order of storage, then turned round";
  EXPECT_EQ(first_slice(3, 0.9), 0) << "nothing to crop";
}

TEST(ModelInput, ADrawnCropLeavesShallowScansAndOtherAxesAlone) {
  Notes notes;
  const Scan shallow = scan_of(indexed(2, 6, 6));
  EXPECT_TRUE(at::equal(model_input(shallow, plain({5, 3, 4}), notes, 0.9).voxels_cdhw,
                        input(shallow, plain({5, 3, 4}))));
  const at::Tensor out = model_input(scan_of(indexed(9, 6, 6)), plain({4, 3, 4}), notes, 0.0).voxels_cdhw;
  EXPECT_EQ(at_dhw(out, 0, 0, 0), 11) << "centre of H and W";
  EXPECT_PILLAR_ERROR(model_input(shallow, plain({5, 3, 4}), notes, 1.0), ErrorCategory::usage,
                      HasSubstr("[0, 1)"));
  EXPECT_PILLAR_ERROR(model_input(shallow, plain({5, 3, 4}), notes, std::nan("")), ErrorCategory::usage,
                      HasSubstr("nan"));
}

TEST(ModelInput, OneAxisIsCroppedWhileAnotherIsPadded) {
  const at::Tensor out = input(scan_of(indexed(6, 2, 3)), plain({3, 4, 3}));
  EXPECT_EQ(at_dhw(out, 0, 0, 0), -1);
  EXPECT_EQ(at_dhw(out, 0, 1, 2), 102);  // slice 1 of 6
  EXPECT_EQ(at_dhw(out, 2, 2, 0), 310);
}

TEST(ModelInput, IsFlippedAfterTheFit) {
  PreprocessSpec spec = plain({4, 1, 1});
  spec.flip_depth = true;
  const at::Tensor padded = input(scan_of(indexed(3, 1, 1)), spec);  // fit: 0 100 200 -1
  EXPECT_EQ(at_dhw(padded, 0, 0, 0), -1);
  EXPECT_EQ(at_dhw(padded, 1, 0, 0), 200);
  EXPECT_EQ(at_dhw(padded, 3, 0, 0), 0);
  const at::Tensor cropped = input(scan_of(indexed(7, 1, 1)), spec);  // fit: 100 200 300 400
  EXPECT_EQ(at_dhw(cropped, 0, 0, 0), 400);
  EXPECT_EQ(at_dhw(cropped, 3, 0, 0), 100);
}

Scan with_normal(std::array<double, 3> normal) {
  Scan scan = scan_of(indexed(2, 1, 1));
  scan.geometry_known = true;
  for (std::size_t i = 0; i < 3; ++i) scan.volume.geometry.direction[3 * i + 2] = normal[i];
  return scan;
}

TEST(ModelInput, TheHeadEndComesFirstWhicheverWaySlicesRun) {
  PreprocessSpec spec = plain({2, 1, 1});
  spec.flip_depth = true;
  Notes notes;
  EXPECT_EQ(at_dhw(model_input(with_normal({0, 0.01, -0.99995}), spec, notes).voxels_cdhw, 0, 0, 0), 0);
  EXPECT_THAT(notes, ElementsAre("PH1: stored along IPL (D,H,W), brought to SPL, as the model takes it"));
  notes.clear();
  EXPECT_EQ(at_dhw(model_input(with_normal({0, 0, 1}), spec, notes).voxels_cdhw, 0, 0, 0), 100);
  Scan unknown = with_normal({0, 0, -1});
  unknown.geometry_known = false;
  EXPECT_EQ(at_dhw(model_input(unknown, spec, notes).voxels_cdhw, 0, 0, 0), 100) << "the public rule";
  spec.axes.reset();
  EXPECT_EQ(at_dhw(model_input(with_normal({0, 0, -1}), spec, notes).voxels_cdhw, 0, 0, 0), 100)
      << "as stored: the public rule";
  EXPECT_THAT(notes, IsEmpty());
  spec.flip_depth = false;
  EXPECT_EQ(at_dhw(model_input(with_normal({0, 0, -1}), spec, notes).voxels_cdhw, 0, 0, 0), 0);
  spec.axes = kAxialBodyAxes;
  EXPECT_EQ(at_dhw(model_input(with_normal({0, 0, -1}), spec, notes).voxels_cdhw, 0, 0, 0), 100)
      << "without the flip the feet come first";
}

// The scan with its axes in another order, lying where it lay.
Scan stored_along(const Scan& scan, const char* axes) {
  Scan other = scan;
  other.volume = reordered(scan.volume, axis_order(scan.volume.geometry, parse_body_axes(axes)));
  return other;
}

Scan axial(at::Tensor voxels_dhw) {
  Scan scan = scan_of(std::move(voxels_dhw));
  scan.volume.geometry = test::axis_aligned({0.5, 1, 2}, {10, 20, 30});
  scan.geometry_known = true;
  return scan;
}

TEST(ModelInput, HoweverAScanIsStoredTheModelSeesOnePatient) {
  const Scan scan = axial(test::random_voxels(7, 6, 5, at::kShort, -1000, 1000));
  for (const SizeDhw& size : {SizeDhw{4, 8, 3}, SizeDhw{10, 5, 8}, SizeDhw{7, 6, 5}}) {
    for (const IntensityMap intensity : {IntensityMap::native, IntensityMap::rave10}) {
      PreprocessSpec spec = plain(size);
      spec.flip_depth = true;
      spec.intensity = intensity;
      const at::Tensor expected = input(scan, spec);
      for (const char* axes : {"SPL", "IPL", "SAL", "SAR", "LSA", "PIR", "RAI", "ALS"})
        EXPECT_TRUE(at::equal(input(stored_along(scan, axes), spec), expected)) << axes;
      spec.axes.reset();
      if (size != SizeDhw{7, 6, 5}) continue;
      EXPECT_FALSE(at::equal(input(stored_along(scan, "SAL"), spec), expected)) << "as stored";
    }
  }
}

TEST(ModelInput, AModelMayTakeOtherAxes) {
  const Scan scan = axial(indexed(4, 3, 2));
  PreprocessSpec spec = plain({2, 4, 3});
  spec.axes = parse_body_axes("RIP");
  const at::Tensor out = input(scan, spec);
  EXPECT_EQ(at_dhw(out, 0, 0, 0), 301) << "the last column, the last slice, the first row";
  EXPECT_EQ(at_dhw(out, 1, 0, 0), 300);
  EXPECT_EQ(at_dhw(out, 0, 3, 2), 21);
}

TEST(ModelInput, ObliqueAxesAreTakenForTheNearestAndThatIsSaid) {
  Scan scan = axial(indexed(2, 2, 2));
  const double c = std::cos(0.35), s = std::sin(0.35);  // 20 degrees, a head with its chin up
  scan.volume.geometry.direction = {1, 0, 0, 0, c, s, 0, -s, c};
  Notes notes;
  const at::Tensor out = model_input(scan, plain({2, 2, 2}), notes).voxels_cdhw;
  EXPECT_TRUE(at::equal(out[0], indexed(2, 2, 2)));
  EXPECT_THAT(notes, ElementsAre("PH1: its axes are up to 20.1 degrees off the patient's; taken as the "
                                 "nearest, SPL"));
}

TEST(ModelInput, TheSpacingIsComparedAlongTheModelsAxes) {
  PreprocessSpec spec = plain({2, 2, 2});
  spec.target_spacing_xyz_mm = {0.5, 1, 2};
  Scan scan = stored_along(axial(indexed(2, 2, 2)), "LSA");
  scan.spacing_xyz_mm = scan.volume.geometry.spacing_xyz_mm;
  EXPECT_EQ(scan.spacing_xyz_mm, (std::array<double, 3>{1, 2, 0.5}));
  Notes notes;
  model_input(scan, spec, notes);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("stored along LSA")));
}

TEST(ModelInput, Rave10IsWhatTheStreamWouldHaveMade) {
  PreprocessSpec spec = plain({3, 4, 5});
  spec.intensity = IntensityMap::rave10;
  const at::Tensor hu = test::random_voxels(3, 4, 5, at::kShort, -3000, 5000);
  const at::Tensor out = input(scan_of(hu), spec);
  ASSERT_EQ(out.scalar_type(), at::kShort);
  for (std::int64_t i = 0; i < hu.numel(); ++i) {
    const int value = std::clamp<int>(hu.view({-1})[i].item<std::int16_t>(), -1024, 3071);
    EXPECT_EQ(out.view({-1})[i].item<std::int16_t>(),
              y10_to_hu_table()[hu_to_y10_table()[static_cast<std::size_t>(value + 1024)]]);
  }
  EXPECT_TRUE(at::equal(input(scan_of(hu.to(at::kFloat)), spec), out)) << "whole floats are the same HU";
}

TEST(ModelInput, ThePaddingIsNotMapped) {
  PreprocessSpec spec = plain({3, 1, 1});
  spec.intensity = IntensityMap::rave10;
  const at::Tensor out = input(scan_of(at::full({1, 1, 1}, -1, at::kShort)), spec);
  EXPECT_EQ(at_dhw(out, 0, 0, 0), -1);
  EXPECT_GT(at_dhw(out, 1, 0, 0), 50) << "-1 HU through the stream";
}

TEST(ModelInput, WhatCameThroughTheStreamIsLeftAlone) {
  PreprocessSpec spec = plain({2, 3, 4});
  spec.intensity = IntensityMap::rave10;
  Scan scan = scan_of(test::random_voxels(2, 3, 4, at::kShort, -700, 2000));
  scan.rave10 = true;
  EXPECT_TRUE(at::equal(input(scan, spec)[0], scan.volume.voxels_dhw));
}

TEST(ModelInput, UnsignedCtIsClippedAsHu) {
  PreprocessSpec spec = plain({1, 1, 1});
  spec.intensity = IntensityMap::rave10;
  const at::Tensor metal = input(scan_of(at::full({1, 1, 1}, 60000, at::kInt).to(at::kUInt16)), spec);
  ASSERT_EQ(metal.scalar_type(), at::kShort);
  EXPECT_EQ(at_dhw(metal, 0, 0, 0), y10_to_hu_table()[hu_to_y10_table()[4095]]);
}

TEST(ModelInput, MrIsScaledOnceAndThenMapped) {
  PreprocessSpec spec = plain({2, 3, 4}, "breast_mr");
  spec.intensity = IntensityMap::rave10;
  const Scan raw = scan_of(test::random_voxels(2, 3, 4, at::kShort, 0, 900), Modality::mr);
  Notes notes;
  const at::Tensor out = model_input(raw, spec, notes).voxels_cdhw;
  ASSERT_EQ(out.scalar_type(), at::kUInt16);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("PH1: MR signal scaled")));

  PreprocessOptions scaling;
  scaling.modality = Modality::mr;
  scaling.mask = MaskPolicy::no;
  const at::Tensor scaled = preprocess(raw.volume, scaling, "raw").volume.voxels_dhw;
  const auto* grey = scaled.const_data_ptr<std::uint16_t>();
  const auto* mapped = out.const_data_ptr<std::uint16_t>();
  for (std::int64_t i = 0; i < out.numel(); ++i)
    EXPECT_EQ(mapped[i], y10_to_gray16_table()[gray16_to_y10(grey[i])]);

  notes.clear();
  EXPECT_TRUE(test::same_voxels(model_input(scan_of(scaled, Modality::mr), spec, notes).voxels_cdhw, out))
      << "scaled already: it reaches 65535";
  EXPECT_THAT(notes, IsEmpty());
}

TEST(ModelInput, APadValueOutsideTheTypeMakesFloats) {
  const at::Tensor grey = test::random_voxels(2, 2, 2, at::kUInt16, 0, 60000);
  const at::Tensor padded = input(scan_of(grey, Modality::mr), plain({3, 2, 2}, "breast_mr"));
  ASSERT_EQ(padded.scalar_type(), at::kFloat);
  EXPECT_EQ(padded[0][2][0][0].item<float>(), -1);
  EXPECT_EQ(padded[0][1][1][1].item<float>(), static_cast<float>(grey.const_data_ptr<std::uint16_t>()[7]));
  EXPECT_EQ(input(scan_of(grey, Modality::mr), plain({1, 2, 2}, "breast_mr")).scalar_type(), at::kUInt16)
      << "no padding";
  PreprocessSpec half = plain({3, 2, 2});
  half.pad_value = 0.5;
  EXPECT_EQ(input(scan_of(indexed(2, 2, 2)), half).scalar_type(), at::kFloat);
}

TEST(ModelInput, ASpacingThatIsOffIsNotedOnce) {
  PreprocessSpec spec = plain({2, 1, 1});
  spec.target_spacing_xyz_mm = {1.25, 1.25, 1.25};
  Scan scan = scan_of(indexed(2, 1, 1));
  Notes notes;
  model_input(scan, spec, notes);
  EXPECT_THAT(notes, IsEmpty()) << "unknown spacing";
  scan.spacing_xyz_mm = {1.25, 1.3, 1.2};
  model_input(scan, spec, notes);
  EXPECT_THAT(notes, IsEmpty()) << "within 5 %";
  scan.spacing_xyz_mm = {0.8, 0.8, 2.5};
  model_input(scan, spec, notes);
  EXPECT_THAT(notes,
              ElementsAre(AllOf(HasSubstr("PH1"), HasSubstr("0.8x0.8x2.5 mm"), HasSubstr("1.25x1.25x1.25"))));
}

TEST(ModelInput, WhatDoesNotFitTheModelIsRefused) {
  EXPECT_PILLAR_ERROR(input(scan_of(indexed(2, 2, 2), Modality::mr), plain({2, 2, 2})), ErrorCategory::input,
                      AllOf(HasSubstr("PH1: a MR volume"), HasSubstr("chest_ct takes CT")));
  EXPECT_PILLAR_ERROR(input(scan_of(indexed(2, 2, 2)), plain({2, 2, 2}, "breast_mr")), ErrorCategory::input,
                      HasSubstr("breast_mr takes MR"));
  EXPECT_PILLAR_ERROR(input(scan_of(at::zeros({0, 2, 2}, at::kShort)), plain({2, 2, 2})),
                      ErrorCategory::input, HasSubstr("no voxels"));
  EXPECT_PILLAR_ERROR(input(scan_of(at::zeros({2, 2}, at::kShort)), plain({2, 2, 2})), ErrorCategory::input,
                      HasSubstr(""));
  EXPECT_PILLAR_ERROR(input(scan_of(at::zeros({2, 2, 2}, at::kDouble)), plain({2, 2, 2})),
                      ErrorCategory::input, HasSubstr("PH1: voxels of type"));
  EXPECT_PILLAR_ERROR(input(scan_of(indexed(2, 2, 2)), plain({0, 2, 2})), ErrorCategory::usage,
                      HasSubstr("0x2x2"));
  PreprocessSpec rave10 = plain({1, 1, 1});
  rave10.intensity = IntensityMap::rave10;
  const at::Tensor nan = at::full({1, 1, 1}, std::numeric_limits<float>::quiet_NaN(), at::kFloat);
  EXPECT_PILLAR_ERROR(input(scan_of(nan), rave10), ErrorCategory::input, HasSubstr("PH1: a voxel is NaN"));
  EXPECT_PILLAR_ERROR(input(scan_of(nan), plain({1, 1, 1})), ErrorCategory::input,
                      HasSubstr("PH1: a voxel is NaN"));
}

}  // namespace
}  // namespace pillar
