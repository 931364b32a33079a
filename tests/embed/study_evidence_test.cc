#include "pillar/embed/study_evidence.h"

#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"

#include "embed/placement_json.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fstream>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

Placement odd_placement() {
  Placement placement;
  placement.volume = {test::oblique({2.5, 2, 3.5}, {10, -20, 30}), {12, 40, 36}};
  placement.source = {test::axis_aligned({0.7, 0.7, 1.0 / 3}, {-40.1, 17, 120}), {90, 512, 512}};
  placement.order = {{2, 0, 1}, {true, false, true}};
  placement.fits = {fit_axis(36, 16), fit_axis(12, 16), fit_axis(40, 16)};
  placement.size_dhw = {16, 16, 16};
  placement.flipped = placement.in_patient = true;
  return placement;
}

StudyEvidence small_evidence() {
  StudyEvidence evidence;
  evidence.places_n = at::arange(6, at::kLong);
  evidence.scales = {{{2, 2, 4}, {1, 1, 1}}, {{1, 1, 3}, {2, 2, 2}}};
  evidence.places_n[5] = 2;
  evidence.placement = odd_placement();
  evidence.places_n.narrow(0, 3, 3).fmod_(3);
  return evidence;
}

const at::Tensor kVector = at::arange(6, at::kFloat);

TEST(StudyEvidence, ComesBackAsItWas) {
  const TempDir dir;
  const StudyEvidence evidence = small_evidence();
  write_study_evidence(dir / "cache", "test", "A/1", evidence, kVector);
  EXPECT_TRUE(has_study_evidence(dir / "cache", "test", "A/1"));
  EXPECT_LT(fs::file_size(dir / "cache/evidence/test/A%2F1.safetensors"), 4096u);
  const StudyEvidence back = read_study_evidence(dir / "cache", "test", "A/1", kVector);
  EXPECT_TRUE(at::equal(back.places_n, evidence.places_n));
  EXPECT_EQ(back.scales, evidence.scales);
  const Placement &then = evidence.placement, &now = back.placement;
  EXPECT_EQ(now.volume, then.volume);
  EXPECT_EQ(now.source, then.source);
  EXPECT_EQ(now.order, then.order);
  EXPECT_EQ(now.fits, then.fits);
  EXPECT_EQ(now.size_dhw, then.size_dhw);
  EXPECT_EQ(now.flipped, then.flipped);
  EXPECT_EQ(now.in_patient, then.in_patient);
  remove_study_evidence(dir / "cache", "test", "A/1");
  EXPECT_FALSE(has_study_evidence(dir / "cache", "test", "A/1"));
  remove_study_evidence(dir / "cache", "test", "A/1");  // nothing there is no fault
}

TEST(StudyEvidence, WhatIsNotThereAndWhatIsOfAnotherEmbeddingIsRefused) {
  const TempDir dir;
  EXPECT_PILLAR_ERROR(read_study_evidence(dir / "cache", "test", "A1", kVector), ErrorCategory::io,
                      AllOf(HasSubstr("A1.safetensors"), HasSubstr("--evidence")));
  write_study_evidence(dir / "cache", "test", "A1", small_evidence(), kVector);
  EXPECT_PILLAR_ERROR(read_study_evidence(dir / "cache", "test", "A1", kVector + 1), ErrorCategory::input,
                      AllOf(HasSubstr("A1.safetensors"), HasSubstr("another embedding")));
}

TEST(StudyEvidence, BrokenFilesAreRefused) {
  const TempDir dir;
  const fs::path file = dir / "cache/evidence/test/A1.safetensors";
  const auto expect_fault = [&](const char* what) {
    EXPECT_PILLAR_ERROR(read_study_evidence(dir / "cache", "test", "A1", kVector), ErrorCategory::input,
                        AllOf(HasSubstr("A1.safetensors"), HasSubstr(what)));
  };
  StudyEvidence beside = small_evidence();
  beside.places_n[5] = 3;  // of a scale with three tokens
  write_study_evidence(dir / "cache", "test", "A1", beside, kVector);
  expect_fault("token 3 of 3");
  StudyEvidence short_one = small_evidence();
  short_one.places_n = short_one.places_n.narrow(0, 0, 4);
  write_study_evidence(dir / "cache", "test", "A1", short_one, kVector);
  expect_fault("one for each of the 6 numbers");
  std::ofstream(file) << "{";
  EXPECT_PILLAR_ERROR(read_study_evidence(dir / "cache", "test", "A1", kVector), ErrorCategory::input,
                      HasSubstr("A1.safetensors"));
  write_safetensors(file, {{"places", at::zeros({6}, at::kInt)}});
  expect_fault("no embedding in its metadata");
}

TEST(PlacementJson, OtherTextIsRefused) {
  const std::string text = placement_json(odd_placement());
  EXPECT_EQ(placement_json(parse_placement(text, "p")), text);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    const std::size_t at = other.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return other.replace(at, from.size(), to);
  };
  EXPECT_PILLAR_ERROR(parse_placement(changed("\"from\":[2,0,1]", "\"from\":[2,0,2]"), "p"),
                      ErrorCategory::input, AllOf(HasSubstr("p:"), HasSubstr("from")));
  EXPECT_PILLAR_ERROR(parse_placement(changed("[90,512,512]", "[90,512]"), "p"), ErrorCategory::input,
                      HasSubstr("size_dhw"));
  EXPECT_PILLAR_ERROR(parse_placement(changed("-40.1", "null"), "p"), ErrorCategory::input,
                      HasSubstr("origin_xyz_mm"));
  EXPECT_PILLAR_ERROR(parse_placement("[]", "p"), ErrorCategory::input, HasSubstr("p"));
}

}  // namespace
}  // namespace pillar
