#include "pillar/data/rotation.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/grid_sampler_2d.h>
#include <ATen/ops/stack.h>

namespace pillar {
namespace {

constexpr std::uint64_t kWhether = 0x726F74, kHowFar = 0x726F75;  // uses of a study's seed
constexpr std::int64_t kSlices = 64;                              // turned at a time
constexpr std::int64_t kGroups = 8;                               // of them, for LibTorch's threads
constexpr std::int64_t kBilinear = 0, kNearest = 1, kZeros = 0;   // of grid_sampler_2d

// (1,H,W,2): where each voxel of the result comes from, in the sampler's coordinates, which run from -1 to 1
// between the outer edges of the first and the last voxel.
at::Tensor source_grid(std::int64_t height, std::int64_t width, double degrees, const at::Device& device) {
  const double radians = degrees * std::numbers::pi / 180, c = std::cos(radians), s = std::sin(radians);
  const auto options = at::TensorOptions(at::kDouble).device(device);
  const double middle_h = static_cast<double>(height - 1) / 2, middle_w = static_cast<double>(width - 1) / 2;
  const at::Tensor y = at::arange(height, options).sub_(middle_h).unsqueeze(1);
  const at::Tensor x = at::arange(width, options).sub_(middle_w).unsqueeze(0);
  const at::Tensor source_x = x * c + y * s, source_y = y * c - x * s;
  return at::stack({source_x * (2.0 / static_cast<double>(width)),  // voxel n/2 - 1/2 is coordinate 0
                    source_y * (2.0 / static_cast<double>(height))},
                   -1)
      .to(at::kFloat)
      .unsqueeze(0);
}

// A few slices at a time, so that the float copy is small. The sampler knows only zeros outside: `fill` is
// taken off before and put back after.
void rotate_study(const at::Tensor& slices_nhw, const at::Tensor& out_nhw, double degrees, double fill,
                  std::int64_t interpolation) {
  const std::int64_t height = slices_nhw.size(1), width = slices_nhw.size(2);
  const at::Tensor grid = source_grid(height, width, degrees, slices_nhw.device());
  for (std::int64_t begin = 0; begin < slices_nhw.size(0); begin += kSlices) {
    const std::int64_t count = std::min(kSlices, slices_nhw.size(0) - begin);
    const std::int64_t groups = std::gcd(count, kGroups);
    at::Tensor part = at::empty({groups, count / groups, height, width}, out_nhw.options().dtype(at::kFloat));
    part.view({count, height, width}).copy_(slices_nhw.narrow(0, begin, count));
    part.sub_(fill);
    const at::Tensor turned =
        at::grid_sampler_2d(part, grid.expand({groups, height, width, 2}), interpolation, kZeros, false);
    out_nhw.narrow(0, begin, count).copy_(turned.reshape({count, height, width}).add_(fill));
  }
}

void check_angles(std::int64_t studies, const std::vector<double>& degrees) {
  if (studies != static_cast<std::int64_t>(degrees.size()))
    fail(ErrorCategory::usage, "{} angles for {} studies", degrees.size(), studies);
  for (const double angle : degrees) {
    if (!std::isfinite(angle)) fail(ErrorCategory::usage, "an angle of {} degrees", angle);
  }
}

void check(const at::Tensor& voxels_bcdhw, const std::vector<double>& degrees, double fill) {
  if (voxels_bcdhw.dim() != 5)
    fail(ErrorCategory::usage, "cannot rotate {} axes: voxels are (B,C,D,H,W)", voxels_bcdhw.dim());
  check_angles(voxels_bcdhw.size(0), degrees);
  if (!std::isfinite(fill)) fail(ErrorCategory::usage, "a fill of {}", fill);
}

bool all_still(const std::vector<double>& degrees) {
  return std::all_of(degrees.begin(), degrees.end(), [](double angle) { return angle == 0; });
}

}  // namespace

std::vector<double> draw_rotations(const std::vector<std::uint64_t>& study_seeds,
                                   const RotationOptions& options) {
  if (!(options.probability >= 0 && options.probability <= 1))
    fail(ErrorCategory::usage, "a probability of {} to be rotated: it lies in [0, 1]", options.probability);
  if (!(options.max_degrees >= 0 && options.max_degrees <= 180))
    fail(ErrorCategory::usage, "rotations of up to {} degrees: 0 to 180", options.max_degrees);
  std::vector<double> degrees;
  degrees.reserve(study_seeds.size());
  for (const std::uint64_t seed : study_seeds) {
    const bool turned = unit_interval(mix_seed({seed, kWhether})) < options.probability;
    const double where = unit_interval(mix_seed({seed, kHowFar}));
    degrees.push_back(turned ? (2 * where - 1) * options.max_degrees : 0);
  }
  return degrees;
}

at::Tensor rotate_in_plane(const at::Tensor& voxels_bcdhw, const std::vector<double>& degrees, double fill) {
  check(voxels_bcdhw, degrees, fill);
  if (all_still(degrees) && voxels_bcdhw.scalar_type() == at::kFloat) return voxels_bcdhw;
  const at::IntArrayRef size = voxels_bcdhw.sizes();
  at::Tensor out = at::empty(size, voxels_bcdhw.options().dtype(at::kFloat));
  if (out.numel() == 0) return out;
  for (std::int64_t study = 0; study < size[0]; ++study) {
    const at::Tensor from = voxels_bcdhw[study], to = out[study];
    const double angle = degrees[static_cast<std::size_t>(study)];
    if (angle == 0) {
      to.copy_(from);
    } else {
      rotate_study(from.flatten(0, 1), to.flatten(0, 1), angle, fill, kBilinear);
    }
  }
  return out;
}

at::Tensor rotate_mask_in_plane(const at::Tensor& masks_bdhw, const std::vector<double>& degrees) {
  if (!masks_bdhw.defined()) return masks_bdhw;
  if (masks_bdhw.dim() != 4 || masks_bdhw.scalar_type() != at::kByte)
    fail(ErrorCategory::usage, "cannot rotate masks of {} axes and type {}: they are (B,D,H,W) uint8",
         masks_bdhw.dim(), c10::toString(masks_bdhw.scalar_type()));
  check_angles(masks_bdhw.size(0), degrees);
  if (all_still(degrees) || masks_bdhw.numel() == 0) return masks_bdhw;
  at::Tensor out = at::empty(masks_bdhw.sizes(), masks_bdhw.options());
  for (std::int64_t study = 0; study < out.size(0); ++study) {
    const double angle = degrees[static_cast<std::size_t>(study)];
    if (angle == 0) {
      out[study].copy_(masks_bdhw[study]);
    } else {
      rotate_study(masks_bdhw[study], out[study], angle, 0, kNearest);
    }
  }
  return out;
}

}  // namespace pillar
