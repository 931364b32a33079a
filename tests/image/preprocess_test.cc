#include "pillar/image/preprocess.h"

#include "pillar/core/safetensors.h"
#include "pillar/image/volume_file.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/volumes.h"

#include <limits>

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::array<at::Tensor, 3> golden_tensors(const std::string& name) {
  const SafetensorsFile file(test::golden("rave/" + name + "/expected.safetensors"));
  const auto get = [&](const char* key) { return file.contains(key) ? file.tensor(key) : at::Tensor(); };
  return {get("loaded"), get("resampled"), get("final")};
}

void expect_same(const at::Tensor& ours, const at::Tensor& theirs, const char* what) {
  EXPECT_TRUE(test::same_voxels(ours, theirs))
      << what << ": " << ours.sizes() << " " << c10::toString(ours.scalar_type()) << ", expected "
      << theirs.sizes() << " " << c10::toString(theirs.scalar_type());
}

// What `options` make of `input`, after resampling and in full.
void expect_golden(const Volume& input, PreprocessOptions options, const char* source_name,
                   const at::Tensor& resampled, const at::Tensor& final_voxels) {
  const PreprocessResult whole = preprocess(input, options, source_name);
  expect_same(whole.volume.voxels_dhw, final_voxels, "final");
  EXPECT_EQ(whole.resample_shape, size_dhw(resampled));
  options.slices.reset();
  options.crop_pad_hw.reset();
  expect_same(preprocess(input, options, source_name).volume.voxels_dhw, resampled, "resampled");
}

TEST(PreprocessGoldens, HeadCt) {
  PILLAR_NEEDS_GOLDEN("rave/head_ct");
  const auto [loaded, resampled, final_voxels] = golden_tensors("head_ct");
  const Volume input{loaded, test::axis_aligned({0.9570312, 0.9570312, 1.5}, {-76.5, -80.25, -30.75})};
  PreprocessOptions options;
  options.target_spacing_xyz_mm = {1.25, 1.25, 1.25};
  options.crop_pad_hw = {112, 128};
  options.slices = 32;
  expect_golden(input, options, "head_ct", resampled, final_voxels);
}

TEST(PreprocessGoldens, ObliqueCt) {
  PILLAR_NEEDS_GOLDEN("rave/oblique");
  const auto [loaded, resampled, final_voxels] = golden_tensors("oblique");
  Volume input{loaded,
               test::axis_aligned({0.9570312, 0.9570312, 1.4999999652729308}, {-12.5, 7.75, -40.125})};
  input.geometry.direction = {0.9781476008683917,   0.0, 0.20791169018458236, 0.0, 1.0000000000000002, 0.0,
                              -0.20791169018458236, 0.0, 0.9781476008683917};
  PreprocessOptions options;
  options.target_spacing_xyz_mm = {1, 1, 2};
  options.crop_pad_hw = {64, 64};
  options.slices = 8;
  expect_golden(input, options, "oblique", resampled, final_voxels);
}

TEST(PreprocessGoldens, DescendingCt) {
  PILLAR_NEEDS_GOLDEN("rave/descending_with_scout");
  const auto [loaded, resampled, final_voxels] = golden_tensors("descending_with_scout");
  Volume input{loaded, test::axis_aligned({0.9570312, 0.9570312, 1.5}, {1.5, -2.25, 116.5})};
  input.geometry.direction = {1, 0, 0, 0, 1, 0, 0, 0, -1};
  PreprocessOptions options;
  options.target_spacing_xyz_mm = {1, 1, 2};
  options.crop_pad_hw = {64, 64};
  options.slices = 8;
  expect_golden(input, options, "descending_with_scout", resampled, final_voxels);
}

TEST(PreprocessGoldens, BrainMr) {
  PILLAR_NEEDS_GOLDEN("rave/brain_mr");
  const auto [loaded, resampled, final_voxels] = golden_tensors("brain_mr");
  Notes notes;
  const Volume input =
      read_volume_file(test::golden("rave/brain_mr/input.nii.gz"), {Modality::mr, {}}, notes);
  PreprocessOptions options;
  options.modality = Modality::mr;
  options.target_spacing_xyz_mm = {1.5, 1.5, 2};
  options.crop_pad_hw = {64, 40};
  options.slices = 16;
  expect_golden(input, options, "brain_mr/input.nii.gz", resampled, final_voxels);
  EXPECT_FALSE(preprocess(input, options, "brain_mr/input.nii.gz").is_mask);
}

TEST(PreprocessGoldens, LabelMask) {
  PILLAR_NEEDS_GOLDEN("rave/label_mask");
  const auto [loaded, resampled, final_voxels] = golden_tensors("label_mask");
  Notes notes;
  const Volume input =
      read_volume_file(test::golden("rave/label_mask/input.nii.gz"), {Modality::mr, {}}, notes);
  PreprocessOptions options;
  options.modality = Modality::mr;
  options.target_spacing_xyz_mm = {1.5, 1.5, 2};
  options.crop_pad_hw = {48, 32};
  options.slices = 12;
  expect_golden(input, options, "label_mask/input.nii.gz", resampled, final_voxels);
  const PreprocessResult result = preprocess(input, options, "label_mask/input.nii.gz");
  EXPECT_TRUE(result.is_mask);
  options.mask = MaskPolicy::no;
  EXPECT_FALSE(preprocess(input, options, "label_mask/input.nii.gz").is_mask);
}

at::Tensor shorts(const std::vector<std::int16_t>& values, const SizeDhw& size) {
  return at::tensor(values, at::kShort).view(size);
}

PreprocessOptions mr_options() {
  PreprocessOptions options;
  options.modality = Modality::mr;
  options.mask = MaskPolicy::no;
  return options;
}

TEST(SelectSlices, KeepsTheMiddle) {
  const Volume input{at::arange(5 * 6, at::kShort).view({5, 2, 3}), test::oblique({1, 2, 3}, {4, 5, 6})};
  const Volume output = select_slices(input, 2);  // from (5-2)/2 = 1
  EXPECT_TRUE(test::same_voxels(output.voxels_dhw, input.voxels_dhw.narrow(0, 1, 2)));
  EXPECT_EQ(output.geometry.point({0, 0, 0}), input.geometry.point({0, 0, 1}));
  EXPECT_TRUE(test::same_voxels(select_slices(input, 5).voxels_dhw, input.voxels_dhw));
  EXPECT_PILLAR_ERROR(select_slices(input, 0), ErrorCategory::usage, HasSubstr("0 slices"));
}

TEST(CropPad, EvenAndOddDifferences) {
  const Volume input{shorts({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {1, 3, 5}), Geometry()};
  // Rows 3 -> 6: 1 before, 2 after. Columns 5 -> 2: from (5-2)/2 = 1.
  const Volume output = crop_pad_hw(input, {6, 2});
  const at::Tensor expected = shorts({1, 1, 2, 3, 7, 8, 12, 13, 1, 1, 1, 1}, {1, 6, 2});
  EXPECT_TRUE(test::same_voxels(output.voxels_dhw,
                                expected));  // padded with the minimum, 1, though it was cropped away
}

TEST(CropPad, TheSameVoxelKeepsItsPlace) {
  const Volume input{at::arange(2 * 7 * 9, at::kInt).view({2, 7, 9}),
                     test::oblique({0.7, 0.8, 3}, {-10, 20, 30})};
  for (const std::array<std::int64_t, 2>& size :
       {std::array<std::int64_t, 2>{4, 12}, {10, 3}, {8, 10}, {6, 8}}) {
    const Volume output = crop_pad_hw(input, size, -5);
    int found = 0;
    for (std::int64_t j = 0; j < size[0]; ++j) {
      for (std::int64_t i = 0; i < size[1]; ++i) {
        const int value = output.voxels_dhw[1][j][i].item<int>();
        if (value < 0) continue;
        const auto here = output.geometry.point({static_cast<double>(i), static_cast<double>(j), 1});
        const auto there =
            input.geometry.point({static_cast<double>(value % 9), static_cast<double>(value / 9 % 7), 1});
        for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(here[axis], there[axis], 1e-9);
        ++found;
      }
    }
    EXPECT_EQ(found, std::min<std::int64_t>(size[0], 7) * std::min<std::int64_t>(size[1], 9));
  }
}

TEST(CropPad, RefusesWhatCannotBe) {
  const Volume input{at::zeros({1, 2, 2}, at::kByte), Geometry()};
  EXPECT_PILLAR_ERROR(crop_pad_hw(input, {0, 2}), ErrorCategory::usage, HasSubstr("0x2"));
  EXPECT_PILLAR_ERROR(crop_pad_hw(input, {3, 3}, -1), ErrorCategory::usage, HasSubstr("pad value of -1"));
  EXPECT_PILLAR_ERROR(crop_pad_hw(input, {3, 3}, 0.5), ErrorCategory::usage, HasSubstr("pad value of 0.5"));
}

TEST(Preprocess, APathMakesNoMask) {
  const Volume scan{at::arange(0, 1000, at::kShort).view({10, 10, 10}), Geometry()};
  PreprocessOptions options;
  options.modality = Modality::mr;
  for (const char* name : {"/data/MASKS/a.nii", "x_Seg.nii.gz", "my labels/0001.nii"})
    EXPECT_FALSE(preprocess(scan, options, name).is_mask) << name;
}

TEST(Preprocess, AMaskThatIsSaidToBeOneIsOneOfAnyModality) {
  PreprocessOptions options;
  options.mask = MaskPolicy::yes;
  options.target_spacing_xyz_mm = {0.5, 0.5, 0.5};
  const Volume labels{at::tensor({0, 70, 104, 70}, at::kShort).view({1, 2, 2}), Geometry()};
  for (Modality modality : {Modality::ct, Modality::mr}) {
    options.modality = modality;
    const PreprocessResult result = preprocess(labels, options, "a.nii");
    EXPECT_TRUE(result.is_mask);
    const at::Tensor values = result.volume.voxels_dhw.to(at::kInt);
    EXPECT_TRUE(values.eq(0).logical_or(values.eq(70)).logical_or(values.eq(104)).all().item<bool>());
  }
  options.mask = MaskPolicy::detect;
  options.modality = Modality::ct;
  const Volume few{at::tensor({0, 1, 1, 0}, at::kShort).view({1, 2, 2}), Geometry()};
  EXPECT_FALSE(preprocess(few, options, "a.nii").is_mask);
}

TEST(LooksLikeMask, ByFewSmallWholeValues) {
  EXPECT_TRUE(looks_like_mask(at::arange(0, 8, at::kFloat).view({2, 2, 2})));
  EXPECT_FALSE(looks_like_mask(at::arange(0, 9, at::kShort).view({3, 3, 1})));  // nine values
  EXPECT_TRUE(looks_like_mask(at::full({1, 1, 2}, 20, at::kInt)));
  EXPECT_FALSE(looks_like_mask(at::full({1, 1, 2}, 21, at::kInt)));
  EXPECT_FALSE(looks_like_mask(at::full({1, 1, 2}, -1, at::kShort)));
  EXPECT_FALSE(looks_like_mask(at::full({1, 1, 2}, 0.5, at::kDouble)));
  EXPECT_FALSE(looks_like_mask(at::full({1, 1, 2}, std::numeric_limits<double>::quiet_NaN(), at::kFloat)));
}

TEST(Preprocess, CtFloatsAreTruncated) {
  const Volume input{at::tensor({-1000.9, 40.9, -0.9, 32767.9}, at::kDouble).view({1, 2, 2}), Geometry()};
  const Volume output = preprocess(input, {}, "ct").volume;
  EXPECT_TRUE(test::same_voxels(output.voxels_dhw, shorts({-1000, 40, 0, 32767}, {1, 2, 2})));
}

TEST(Preprocess, CtThatDoesNotFitIsNamed) {
  const auto one = [](double value, at::ScalarType type) {
    return Volume{at::full({1, 1, 2}, value, type), Geometry()};
  };
  EXPECT_PILLAR_ERROR(preprocess(one(40000, at::kUInt16), {}, "a b"), ErrorCategory::input,
                      AllOf(HasSubstr("a b"), HasSubstr("40000")));
  EXPECT_PILLAR_ERROR(preprocess(one(-32769, at::kDouble), {}, "x"), ErrorCategory::input,
                      HasSubstr("-32769"));
  EXPECT_PILLAR_ERROR(preprocess(one(std::numeric_limits<double>::quiet_NaN(), at::kFloat), {}, "x"),
                      ErrorCategory::input, HasSubstr("nan"));
}

TEST(Preprocess, MrIsScaledByItsOwnRange) {
  const Volume input{shorts({-10, 0, 10, 90}, {1, 2, 2}), Geometry()};
  const at::Tensor output = preprocess(input, mr_options(), "t1").volume.voxels_dhw;
  const at::Tensor expected = at::tensor({0, 6553, 13107, 65535}, at::kInt).to(at::kUInt16).view({1, 2, 2});
  EXPECT_TRUE(test::same_voxels(output, expected));
}

TEST(Preprocess, FlatMrIsZero) {
  const Volume input{at::full({2, 2, 2}, 700, at::kShort), Geometry()};
  const at::Tensor output = preprocess(input, mr_options(), "t1").volume.voxels_dhw;
  EXPECT_TRUE(test::same_voxels(output, at::zeros({2, 2, 2}, at::kUInt16)));
}

TEST(Preprocess, NativeMrKeepsItsValues) {
  PreprocessOptions options = mr_options();
  options.normalize_mr = false;
  const auto type_of = [&](const at::Tensor& voxels) {
    const at::Tensor output = preprocess({voxels, Geometry()}, options, "t1").volume.voxels_dhw;
    EXPECT_TRUE(output.to(at::kDouble).equal(voxels.to(at::kDouble)));
    return output.scalar_type();
  };
  EXPECT_EQ(type_of(at::full({1, 1, 3}, 200, at::kByte)), at::kShort);
  EXPECT_EQ(type_of(at::full({1, 1, 3}, -5, at::kShort)), at::kShort);
  EXPECT_EQ(type_of(at::full({1, 1, 3}, 60000, at::kUInt16)), at::kUInt16);
  EXPECT_EQ(type_of(at::full({1, 1, 3}, 60000, at::kFloat)), at::kUInt16);
  EXPECT_EQ(type_of(at::full({1, 1, 3}, -7, at::kDouble)), at::kShort);
  EXPECT_PILLAR_ERROR(preprocess({at::full({1, 1, 3}, 0.25, at::kFloat), Geometry()}, options, "t1"),
                      ErrorCategory::input, AllOf(HasSubstr("0.25"), HasSubstr("normalise")));
  EXPECT_PILLAR_ERROR(preprocess({at::full({1, 1, 3}, 70000, at::kInt), Geometry()}, options, "t1"),
                      ErrorCategory::input, AllOf(HasSubstr("70000"), HasSubstr("normalise")));
}

TEST(Preprocess, MasksKeepTheirLabels) {
  PreprocessOptions options = mr_options();
  options.mask = MaskPolicy::yes;
  options.target_spacing_xyz_mm = {0.5, 0.5, 0.5};
  const PreprocessResult result = preprocess({shorts({0, 7, 300, 7}, {1, 2, 2}), Geometry()}, options, "x");
  EXPECT_TRUE(result.is_mask);
  EXPECT_EQ(result.volume.voxels_dhw.scalar_type(), at::kUInt16);
  EXPECT_EQ(result.volume.voxels_dhw.to(at::kInt).max().item<int>(), 300);
  options.target_spacing_xyz_mm.reset();
  EXPECT_EQ(preprocess({shorts({-1, 7, 3, 7}, {1, 2, 2}), Geometry()}, options, "x")
                .volume.voxels_dhw.scalar_type(),
            at::kShort);
  EXPECT_PILLAR_ERROR(preprocess({at::full({1, 1, 1}, 1.5, at::kFloat), Geometry()}, options, "x"),
                      ErrorCategory::input, HasSubstr("1.5"));
}

TEST(Preprocess, MrThatIsNotFiniteIsRefused) {
  const Volume input{at::full({1, 1, 2}, std::numeric_limits<float>::infinity(), at::kFloat), Geometry()};
  EXPECT_PILLAR_ERROR(preprocess(input, mr_options(), "t1.nii"), ErrorCategory::input,
                      AllOf(HasSubstr("t1.nii"), HasSubstr("inf")));
}

TEST(Preprocess, ReportsTheGridBeforeSelection) {
  const Volume input{at::zeros({9, 6, 6}, at::kShort), test::axis_aligned({1, 1, 2}, {10, 20, 30})};
  PreprocessOptions options;
  options.target_spacing_xyz_mm = {1, 2, 1};
  options.slices = 5;
  options.crop_pad_hw = {4, 4};
  const PreprocessResult result = preprocess(input, options, "ct");
  EXPECT_THAT(result.resample_shape, ElementsAre(18, 3, 6));
  EXPECT_EQ(result.first_slice, 6);
  EXPECT_THAT(size_dhw(result.volume.voxels_dhw), ElementsAre(5, 4, 4));
  EXPECT_TRUE(result.volume.voxels_dhw.is_contiguous());
  // One column cropped, no row padded before (4-3)/2 = 0, six slices left out.
  EXPECT_THAT(result.volume.geometry.origin_xyz_mm,
              ElementsAre(DoubleNear(11, 1e-9), DoubleNear(20, 1e-9), DoubleNear(36, 1e-9)));
}

TEST(Preprocess, SelectionAloneDoesNotKeepTheOtherSlices) {
  PreprocessOptions options;
  options.slices = 2;
  const PreprocessResult result = preprocess({at::zeros({50, 4, 4}, at::kShort), Geometry()}, options, "ct");
  EXPECT_EQ(result.volume.voxels_dhw.storage().nbytes(), 2u * 4 * 4 * 2);
}

}  // namespace
}  // namespace pillar
