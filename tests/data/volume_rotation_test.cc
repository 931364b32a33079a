#include "pillar/data/volume_rotation.h"

#include "pillar/core/safetensors.h"
#include "pillar/data/rotation.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/volumes.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

double largest(const at::Tensor& t) {
  return t.abs().max().item<double>();
}

TEST(VolumeRotation, IsKornias) {
  PILLAR_NEEDS_GOLDEN("finetune/rotation3d_a.safetensors");
  const SafetensorsFile golden(test::golden("finetune/rotation3d_a.safetensors"));
  for (int i = 0; golden.contains(std::to_string(i) + ".in"); ++i) {
    const auto tensor = [&](const char* name) { return golden.tensor(std::to_string(i) + "." + name); };
    const at::Tensor in = tensor("in"), yaw = tensor("yaw"), pitch = tensor("pitch"), roll = tensor("roll");
    std::vector<YawPitchRoll> degrees;
    for (std::int64_t b = 0; b < in.size(0); ++b)
      degrees.push_back({yaw[b].item<double>(), pitch[b].item<double>(), roll[b].item<double>()});
    const at::Tensor out = rotate_volume(in, degrees, 0, RotationGrid::kornia), expected = tensor("out");
    EXPECT_LE(largest(out - expected), 1e-5 * largest(expected)) << i;
    const at::Tensor matrix =
        volume_rotation_matrix(degrees, in.size(2), in.size(3), in.size(4), RotationGrid::kornia);
    EXPECT_LE(largest(matrix - tensor("matrix")), 1e-5 * largest(tensor("matrix"))) << i;
  }
}

TEST(VolumeRotation, RollAloneIsTheRotationInThePlane) {
  const at::Tensor voxels = test::random_voxels(19, 14, 9, at::kShort, -1000, 2000).unsqueeze(0).unsqueeze(0);
  const at::Tensor both = voxels.repeat({2, 1, 1, 1, 1});
  const at::Tensor out = rotate_volume(both, {{0, 0, 17}, {0, 0, 0}}, 0);
  EXPECT_LE(largest(out - rotate_in_plane(both, {17, 0}, 0)), 0.02);
  const at::Tensor square = test::random_voxels(5, 12, 12, at::kShort, -1000, 2000).unsqueeze(0).unsqueeze(0);
  EXPECT_LE(largest(rotate_volume(square, {{0, 0, 30}}, 0, RotationGrid::kornia) -
                    rotate_in_plane(square, {30}, 0)),
            0.05);
}

TEST(VolumeRotation, AQuarterTurnAboutEachAxisMovesVoxelsToOthers) {
  at::Tensor voxels = at::zeros({1, 1, 5, 5, 5}, at::kShort);
  voxels[0][0][2][2][4] = 7;  // +W of the centre
  const auto at_dhw = [](const at::Tensor& t, std::int64_t d, std::int64_t h, std::int64_t w) {
    return t[0][0][d][h][w].item<float>();
  };
  EXPECT_NEAR(at_dhw(rotate_volume(voxels, {{0, 0, 90}}, 0), 2, 4, 2), 7, 1e-3) << "roll: to +H";
  EXPECT_NEAR(at_dhw(rotate_volume(voxels, {{0, 90, 0}}, 0), 0, 2, 2), 7, 1e-3) << "pitch: to -D";
  EXPECT_NEAR(at_dhw(rotate_volume(voxels, {{90, 0, 0}}, 0), 2, 2, 4), 7, 1e-3) << "yaw: its own axis";
  const at::Tensor matrix = volume_rotation_matrix({{11, -23, 40}}, 5, 6, 7)[0];
  const at::Tensor turn = matrix.narrow(0, 0, 3).narrow(1, 0, 3);
  EXPECT_TRUE(at::allclose(at::matmul(turn, turn.t()), at::matmul(turn.t(), turn), 0, 1e-12));
  EXPECT_NEAR(at::matmul(turn, turn.t()).sum().item<double>(), 3, 1e-12);
}

TEST(VolumeRotation, TheFillIsOutside) {
  const at::Tensor air = at::full({1, 1, 20, 9, 7}, -1000, at::kShort);
  EXPECT_LE(largest(rotate_volume(air, {{5, 13, -40}}, -1000) + 1000), 1e-3);
  EXPECT_EQ(rotate_volume(at::zeros({0, 1, 2, 3, 4}, at::kShort), {}, 0).size(0), 0);
  EXPECT_EQ(
      rotate_volume(at::zeros({1, 1, 1, 3, 4}, at::kShort), {{9, 9, 9}}, 0, RotationGrid::kornia).size(2), 1);
}

TEST(VolumeRotation, WhatMakesNoSenseIsRefused) {
  const at::Tensor voxels = at::zeros({1, 1, 2, 3, 4}, at::kShort);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_PILLAR_ERROR(rotate_volume(voxels[0], {{}}, 0), ErrorCategory::usage, HasSubstr("4 axes"));
  EXPECT_PILLAR_ERROR(rotate_volume(voxels, {}, 0), ErrorCategory::usage, HasSubstr("0 rotations for 1"));
  EXPECT_PILLAR_ERROR(rotate_volume(voxels, {{0, nan, 0}}, 0), ErrorCategory::usage,
                      HasSubstr("nan degrees"));
  EXPECT_PILLAR_ERROR(rotate_volume(voxels, {{}}, nan), ErrorCategory::usage, HasSubstr("fill of nan"));
}

}  // namespace
}  // namespace pillar
