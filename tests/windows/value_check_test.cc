#include "pillar/windows/value_check.h"

#include "pillar/core/safetensors.h"
#include "pillar/phantom/phantom.h"
#include "pillar/rave/hu_map.h"

#include "support/expect_error.h"
#include "support/goldens.h"

#include <cmath>

#include <ATen/ATen.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

at::Tensor phantom_hu() {
  PhantomOptions options;
  options.size = 64;
  return make_phantom(3, options).volume.voxels_dhw;
}

ValueCheck check(const at::Tensor& voxels) {
  return check_values(voxels, WindowFamily::ct);
}

TEST(ValueCheck, HounsfieldUnits) {
  const ValueCheck result = check(phantom_hu());
  EXPECT_EQ(result.look, ValueLook::hounsfield) << result.message;
  EXPECT_FALSE(result.warning);
  EXPECT_EQ(check(phantom_hu().to(at::kFloat)).look, ValueLook::hounsfield);
}

TEST(ValueCheck, ARealHeadScan) {
  PILLAR_NEEDS_GOLDEN("rave/head_ct/expected.safetensors");
  const at::Tensor hu = SafetensorsFile(test::golden("rave/head_ct/expected.safetensors")).tensor("loaded");
  const ValueCheck result = check(hu);
  EXPECT_TRUE(result.look == ValueLook::hounsfield || result.look == ValueLook::lifted_air) << result.message;
  EXPECT_FALSE(result.warning);
}

TEST(ValueCheck, ThePublishedScaleIsExplained) {
  const at::Tensor hu = phantom_hu().clamp(-1024, 3071).contiguous();
  at::Tensor lifted = at::empty_like(hu);
  for (std::int64_t i = 0; i < hu.numel(); ++i) {
    lifted.mutable_data_ptr<std::int16_t>()[i] =
        y10_to_hu_table()[hu_to_y10_table()[hu.const_data_ptr<std::int16_t>()[i] + 1024]];
  }
  const ValueCheck result = check(lifted);
  EXPECT_EQ(result.look, ValueLook::lifted_air) << result.message;
  EXPECT_FALSE(result.warning);
  EXPECT_THAT(result.message, HasSubstr("-768"));
}

TEST(ValueCheck, OffsetBy1024) {
  const at::Tensor offset = phantom_hu().clamp_min(-1024) + 1024;
  for (const at::Tensor& voxels : {offset, offset.to(at::kUInt16), offset.to(at::kFloat)}) {
    const ValueCheck result = check(voxels);
    EXPECT_EQ(result.look, ValueLook::offset_1024) << result.message;
    EXPECT_TRUE(result.warning);
    EXPECT_THAT(result.message, HasSubstr("1024"));
  }
}

TEST(ValueCheck, OneValue) {
  for (const WindowFamily family : {WindowFamily::ct, WindowFamily::mr}) {
    const ValueCheck result = check_values(at::full({2, 3, 4}, -7, at::kShort), family);
    EXPECT_EQ(result.look, ValueLook::constant);
    EXPECT_TRUE(result.warning);
    EXPECT_THAT(result.message, HasSubstr("-7"));
  }
}

TEST(ValueCheck, ForeignScales) {
  const at::Tensor hu = phantom_hu().to(at::kFloat);
  const at::Tensor unit = (hu - hu.min()) / (hu.max() - hu.min());
  for (const at::Tensor& voxels :
       {unit, unit * 255, unit - 0.5, (unit * 60000).to(at::kUInt16), hu * 20, hu - 20000}) {
    const ValueCheck result = check(voxels);
    EXPECT_EQ(result.look, ValueLook::foreign) << result.message;
    EXPECT_TRUE(result.warning);
  }
}

TEST(ValueCheck, WhatNoCtCanHaveIsToldFromWhatIsDoubtful) {
  const at::Tensor hu = phantom_hu().to(at::kFloat);
  const at::Tensor unit = (hu - hu.min()) / (hu.max() - hu.min());
  for (const at::Tensor& voxels :
       {unit, unit.mul(2).sub(1), (unit * 255).to(at::kByte), unit * 255, unit * 4000, hu.clamp_min(0),
        at::full({4, 4}, 12.0), (hu.clamp_min(-1024) + 1024).to(at::kInt),
        hu.sub(40).div(200).to(at::kDouble)}) {
    const ValueCheck result = check(voxels);
    EXPECT_TRUE(result.impossible) << result.message;
    EXPECT_TRUE(result.warning);
  }
  for (const at::Tensor& voxels : {hu, hu * 20, hu - 20000, hu.clamp_min(0) + 30, hu.clamp(-100, 250)})
    EXPECT_FALSE(check(voxels).impossible) << check(voxels).message;
}

TEST(ValueCheck, ALargeVolumeIsJudgedByAMillionOfItsVoxels) {
  const at::Tensor large = phantom_hu().repeat({6, 1, 1});
  const ValueCheck result = check(large.clamp_min(-1024) + 1024);
  EXPECT_EQ(result.look, ValueLook::offset_1024) << result.message;
  EXPECT_EQ(check(large).look, ValueLook::hounsfield);
}

TEST(ValueCheck, APolicySaysWhatIsRefused) {
  const at::Tensor hu = phantom_hu(), lifted_up = hu.clamp_min(-1024) + 1024, unit = hu.to(at::kFloat) / 4096;
  const auto said = [](const at::Tensor& voxels, ValuePolicy policy) {
    Notes notes;
    judge_values(voxels, WindowFamily::ct, policy, "a.nii", notes);
    return notes.empty() ? std::string() : notes[0];
  };
  for (const ValuePolicy policy : {ValuePolicy::refuse, ValuePolicy::lenient, ValuePolicy::only_say})
    EXPECT_EQ(said(hu, policy), "");
  EXPECT_PILLAR_ERROR(
      said(lifted_up, ValuePolicy::refuse), ErrorCategory::input,
      ::testing::AllOf(HasSubstr("a.nii: Not HU but HU + 1024"), HasSubstr("--set intensity.offset=-1024")));
  for (const ValuePolicy policy : {ValuePolicy::lenient, ValuePolicy::only_say})
    EXPECT_THAT(said(lifted_up, policy), HasSubstr("--set intensity.offset=-1024"));
  for (const ValuePolicy policy : {ValuePolicy::refuse, ValuePolicy::lenient}) {
    EXPECT_PILLAR_ERROR(
        said(unit, policy), ErrorCategory::input,
        ::testing::AllOf(HasSubstr("cannot be HU: values from"), HasSubstr("intensity.slope")));
  }
  EXPECT_THAT(said(unit, ValuePolicy::only_say), HasSubstr("cannot be HU"));
  EXPECT_THAT(said(hu * 20, ValuePolicy::refuse), HasSubstr("do not look like HU"));
  EXPECT_THAT(said(hu.clamp_min(0) + 30, ValuePolicy::refuse),
              ::testing::AllOf(HasSubstr("air should be near -1000"), HasSubstr("intensity.offset=-1024")));
  Notes notes;
  judge_values(unit, WindowFamily::mr, ValuePolicy::refuse, "a.nii", notes);
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(parse_value_policy("refuse"), ValuePolicy::refuse);
  EXPECT_EQ(parse_value_policy("warn"), ValuePolicy::only_say);
  EXPECT_PILLAR_ERROR(parse_value_policy("ask"), ErrorCategory::usage, HasSubstr("'ask'"));
}

TEST(ValueCheck, SignalHasNoUnit) {
  const ValueCheck result = check_values(at::arange(1000, at::kFloat), WindowFamily::mr);
  EXPECT_EQ(result.look, ValueLook::signal);
  EXPECT_FALSE(result.warning);
  EXPECT_THAT(result.message, HasSubstr("999"));
}

TEST(ValueCheck, WrongVolumesAreRefused) {
  EXPECT_PILLAR_ERROR(check(at::Tensor()), ErrorCategory::input, HasSubstr("no voxels"));
  EXPECT_PILLAR_ERROR(check(at::zeros({0, 2, 2}, at::kShort)), ErrorCategory::input, HasSubstr("no voxels"));
  EXPECT_PILLAR_ERROR(check(at::zeros({2, 2}, at::kLong)), ErrorCategory::input, HasSubstr("Long"));
  EXPECT_PILLAR_ERROR(check(at::full({3}, NAN)), ErrorCategory::input, HasSubstr("nan"));
}

}  // namespace
}  // namespace pillar
