// Every finding must show: where the truth says it is, and in the direction that its tissue implies.
#include "phantom/scene.h"

#include <map>
#include <set>

#include <gmock/gmock.h>

namespace pillar::phantom {
namespace {

constexpr std::uint64_t kSeeds[] = {3, 14, 159};
const PhantomOptions kSmall{.size = 64};

struct Pair {
  Volume without, with;
  Finding finding;
};

const Volume& healthy(std::uint64_t seed, const PhantomOptions& options) {
  static std::map<std::tuple<std::uint64_t, std::int64_t, Modality>, Volume> drawn;
  Volume& volume = drawn[{seed, options.size, options.modality}];
  if (!volume.voxels_dhw.defined())
    volume = render(make_scene(seed, options, std::vector<FindingKind>{}), options);
  return volume;
}

Pair make_pair_of(FindingKind kind, std::uint64_t seed, const PhantomOptions& options) {
  const Scene scene = make_scene(seed, options, {kind});
  EXPECT_EQ(scene.findings.size(), 1u);
  return {healthy(seed, options), render(scene, options), scene.findings.at(0)};
}

double at(const Volume& volume, std::int64_t index) {
  if (volume.modality == Modality::ct) return volume.voxels_dhw.const_data_ptr<std::int16_t>()[index];
  return static_cast<const std::uint16_t*>(volume.voxels_dhw.const_data_ptr())[index];
}

// Calls visit(index, distance from the finding's centre in mm) for every voxel.
template <typename Visit>
void for_each_voxel(const Volume& volume, const Finding& finding, Visit visit) {
  const auto [depth, height, width] = size_dhw(volume.voxels_dhw);
  std::int64_t index = 0;
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t j = 0; j < height; ++j) {
      for (std::int64_t i = 0; i < width; ++i, ++index) {
        const auto p =
            volume.geometry.point({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        visit(index, length({p[0] - finding.center_xyz_mm[0], p[1] - finding.center_xyz_mm[1],
                             p[2] - finding.center_xyz_mm[2]}));
      }
    }
  }
}

double mean_near(const Volume& volume, const Finding& finding, double radius_mm) {
  double sum = 0;
  int count = 0;
  for_each_voxel(volume, finding, [&](std::int64_t index, double distance) {
    if (distance > radius_mm) return;
    sum += at(volume, index);
    ++count;
  });
  EXPECT_GT(count, 0);
  return sum / count;
}

// Within this of the centre the mean changes by at least `change` HU (negative: falls).
struct Expected {
  double radius_mm;  // 0: half the stated size
  double change;
};
const std::map<FindingKind, Expected> kExpected = {
    {FindingKind::lung_nodule, {5, 300}},
    {FindingKind::pleural_effusion, {8, 500}},
    {FindingKind::coronary_calcification, {4, 150}},
    {FindingKind::rib_fracture, {0, -60}},
    {FindingKind::hepatic_lesion, {0, -20}},
    {FindingKind::cardiomegaly, {0, 30}},
    {FindingKind::pneumothorax, {8, -80}},
    {FindingKind::aortic_aneurysm, {0, 15}},
    {FindingKind::vertebral_fracture, {0, -25}},
    {FindingKind::kidney_stone, {4, 300}},
};

class EachFinding : public ::testing::TestWithParam<FindingKind> {};

TEST_P(EachFinding, ChangesTheVoxelsAboutItsCentre) {
  const Expected expected = kExpected.at(GetParam());
  for (std::uint64_t seed : kSeeds) {
    const Pair pair = make_pair_of(GetParam(), seed, kSmall);
    const double radius = expected.radius_mm == 0 ? pair.finding.size_mm / 2 : expected.radius_mm;
    const double change =
        mean_near(pair.with, pair.finding, radius) - mean_near(pair.without, pair.finding, radius);
    if (expected.change > 0) {
      EXPECT_GT(change, expected.change) << "seed " << seed;
    } else {
      EXPECT_LT(change, expected.change) << "seed " << seed;
    }
  }
}

TEST_P(EachFinding, ChangesNothingFarAway) {
  // A large heart and air or fluid about a lung reshape what lies beside them.
  const std::set<FindingKind> wide = {FindingKind::cardiomegaly, FindingKind::pleural_effusion,
                                      FindingKind::pneumothorax};
  const Pair pair = make_pair_of(GetParam(), kSeeds[0], kSmall);
  const double reach = wide.contains(GetParam()) ? 200 : 1.5 * pair.finding.size_mm + 12;
  std::int64_t changed = 0, far = 0;
  for_each_voxel(pair.with, pair.finding, [&](std::int64_t index, double distance) {
    if (at(pair.with, index) == at(pair.without, index)) return;
    ++changed;
    if (distance > reach) ++far;
  });
  EXPECT_GT(changed, 0);
  EXPECT_EQ(far, 0);
}

TEST_P(EachFinding, ShowsOnMagneticResonanceToo) {
  PhantomOptions options = kSmall;
  options.modality = Modality::mr;
  const Pair pair = make_pair_of(GetParam(), kSeeds[1], options);
  double largest = 0;
  for_each_voxel(pair.with, pair.finding, [&](std::int64_t index, double distance) {
    if (distance < pair.finding.size_mm)
      largest = std::max(largest, std::abs(at(pair.with, index) - at(pair.without, index)));
  });
  EXPECT_GT(largest, 60);
}

TEST_P(EachFinding, IsStatedInsideTheFieldOfView) {
  for (std::uint64_t seed = 0; seed < 15; ++seed) {
    const Scene scene = make_scene(seed, kSmall, {GetParam()});
    const Finding& finding = scene.findings.at(0);
    EXPECT_EQ(finding.kind, GetParam());
    EXPECT_GT(finding.size_mm, 5);
    for (double mm : finding.center_xyz_mm) EXPECT_LT(std::abs(mm), 175) << "seed " << seed;
  }
}

std::string test_name(const ::testing::TestParamInfo<FindingKind>& info) {
  std::string name = to_string(info.param);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Phantom, EachFinding, ::testing::ValuesIn(all_findings()), test_name);

TEST(PhantomFindings, NoduleIsFarDenserThanLung) {
  for (std::uint64_t seed : {26, 535}) {
    const PhantomOptions options{.size = 96};
    const Pair pair = make_pair_of(FindingKind::lung_nodule, seed, options);
    EXPECT_GE(pair.finding.size_mm, 8);
    EXPECT_GT(mean_near(pair.with, pair.finding, 3), mean_near(pair.without, pair.finding, 3) + 400);
  }
}

TEST(PhantomFindings, AllTenFitIntoOnePatient) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const Scene scene = make_scene(seed, kSmall, all_findings());
    ASSERT_EQ(scene.findings.size(), all_findings().size());
    for (std::size_t i = 0; i < scene.findings.size(); ++i)
      EXPECT_EQ(scene.findings[i].kind, all_findings()[i]);
    EXPECT_LT(
        lung(scene.anatomy, scene.findings[0].side == "left" ? kLeft : kRight, scene.nodule.front().center),
        0);
  }
}

TEST(PhantomFindings, QuestionsAreDistinct) {
  std::set<std::string> names, questions;
  for (FindingKind kind : all_findings()) {
    names.insert(to_string(kind));
    questions.insert(rate_question(kind));
    EXPECT_NE(std::string(rate_category(kind)), "");
  }
  EXPECT_EQ(names.size(), 10u);
  EXPECT_EQ(questions.size(), 10u);
}

}  // namespace
}  // namespace pillar::phantom
