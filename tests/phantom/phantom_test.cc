#include "pillar/phantom/phantom.h"

#include "pillar/core/sha256.h"

#include "support/expect_error.h"

#include <cmath>
#include <limits>
#include <set>

namespace pillar {
namespace {

using ::testing::HasSubstr;

const std::int16_t* hu(const Phantom& phantom) {
  return phantom.volume.voxels_dhw.const_data_ptr<std::int16_t>();
}

double mean_hu(const Phantom& phantom, std::array<double, 3> center_mm, double radius_mm) {
  const std::int64_t n = phantom.volume.voxels_dhw.size(0);
  double sum = 0;
  int count = 0;
  for (std::int64_t index = 0; index < n * n * n; ++index) {
    const auto p =
        phantom.volume.geometry.point({static_cast<double>(index % n), static_cast<double>(index / n % n),
                                       static_cast<double>(index / (n * n))});
    const double dx = p[0] - center_mm[0], dy = p[1] - center_mm[1], dz = p[2] - center_mm[2];
    if (dx * dx + dy * dy + dz * dz > radius_mm * radius_mm) continue;
    sum += hu(phantom)[index];
    ++count;
  }
  return sum / count;
}

TEST(Phantom, HasTheGeometryThatWasAskedFor) {
  const Phantom phantom = make_phantom(1, {.size = 48, .field_of_view_mm = 384});
  EXPECT_EQ(size_dhw(phantom.volume.voxels_dhw), (SizeDhw{48, 48, 48}));
  EXPECT_EQ(phantom.volume.voxels_dhw.scalar_type(), at::kShort);
  EXPECT_EQ(phantom.volume.geometry.spacing_xyz_mm, (std::array<double, 3>{8, 8, 8}));
  EXPECT_EQ(phantom.volume.geometry.origin_xyz_mm, (std::array<double, 3>{-188, -188, -188}));  // centred
}

TEST(Phantom, TissuesMeasureWhatTheyShould) {
  const Phantom phantom = make_phantom(2, {.size = 96, .finding_probability = 0});
  EXPECT_NEAR(mean_hu(phantom, {0, -165, 0}, 6), -1000, 12);     // air before the patient
  EXPECT_NEAR(mean_hu(phantom, {80, -25, 60}, 10), -770, 110);   // left lung with its vessels
  EXPECT_NEAR(mean_hu(phantom, {-80, -25, 60}, 10), -770, 110);  // right lung
  const double liver = mean_hu(phantom, {-70, -20, -70}, 10);
  EXPECT_GT(liver, 45);
  EXPECT_LT(liver, 130);
  double most = -2000;
  for (std::int64_t i = 0; i < phantom.volume.voxels_dhw.numel(); ++i)
    most = std::max<double>(most, hu(phantom)[i]);
  EXPECT_GT(most, 500);  // bone
  EXPECT_LT(most, 1500);
}

TEST(Phantom, MagneticResonanceIsUnsigned) {
  const Phantom phantom = make_phantom(2, {.size = 32, .modality = Modality::mr});
  EXPECT_EQ(phantom.volume.voxels_dhw.scalar_type(), at::kUInt16);
  EXPECT_EQ(phantom.volume.modality, Modality::mr);
}

std::string digest(std::uint64_t seed, const PhantomOptions& options) {
  const Phantom phantom = make_phantom(seed, options);
  const ByteView bytes(static_cast<const std::uint8_t*>(phantom.volume.voxels_dhw.const_data_ptr()),
                       phantom.volume.voxels_dhw.nbytes());
  return sha256_hex(bytes);
}

TEST(Phantom, SeedDecidesEverything) {
  std::set<std::string> digests;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    digests.insert(digest(seed, {.size = 24}));
    EXPECT_EQ(digest(seed, {.size = 24}), digest(seed, {.size = 24}));
  }
  EXPECT_EQ(digests.size(), 5u);
}

TEST(Phantom, VoxelsAreTheSameOnEveryMachine) {
  // Changes with every change of the drawing: then write the new digest here.
  EXPECT_EQ(digest(2026, {.size = 24}), "9571bd0365e4fbf9f18c3da422e4795324f4bf462a0704c7af8f6c508e81a00f");
  EXPECT_EQ(digest(2026, {.size = 24, .modality = Modality::mr}),
            "434e808ef23b9690ea16f211caba11a1fa150f65265acec7e53c161dcb7a7e6c");
}

TEST(Phantom, FindingsDoNotMoveTheRestOfThePatient) {
  // The patient of a seed is the same with any chance of findings.
  const Phantom healthy = make_phantom(9, {.size = 32, .finding_probability = 0});
  const Phantom sick = make_phantom(9, {.size = 32, .finding_probability = 1});
  EXPECT_TRUE(healthy.findings.empty());
  EXPECT_EQ(sick.findings.size(), all_findings().size());
  std::int64_t same = 0;
  for (std::int64_t i = 0; i < healthy.volume.voxels_dhw.numel(); ++i)
    same += hu(healthy)[i] == hu(sick)[i] ? 1 : 0;
  EXPECT_GT(static_cast<double>(same) / static_cast<double>(healthy.volume.voxels_dhw.numel()), 0.8);
}

TEST(Phantom, ProbabilityIsPerKind) {
  int count = 0;
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    count += static_cast<int>(make_phantom(seed, {.size = 16, .finding_probability = 0.3}).findings.size());
  }
  EXPECT_NEAR(count / 800.0, 0.3, 0.05);
}

TEST(Phantom, RefusesWhatItCannotDraw) {
  EXPECT_PILLAR_ERROR(make_phantom(0, {.size = 8}), ErrorCategory::usage, HasSubstr("16 to 512"));
  EXPECT_PILLAR_ERROR(make_phantom(0, {.size = 513}), ErrorCategory::usage, HasSubstr("513"));
  EXPECT_PILLAR_ERROR(make_phantom(0, {.field_of_view_mm = 100}), ErrorCategory::usage,
                      HasSubstr("field of view"));
  EXPECT_PILLAR_ERROR(make_phantom(0, {.field_of_view_mm = std::numeric_limits<double>::quiet_NaN()}),
                      ErrorCategory::usage, HasSubstr("field of view"));
  EXPECT_PILLAR_ERROR(make_phantom(0, {.finding_probability = 1.5}), ErrorCategory::usage,
                      HasSubstr("probability"));
}

}  // namespace
}  // namespace pillar
