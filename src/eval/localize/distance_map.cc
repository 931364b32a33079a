#include "eval/localize/distance_map.h"

#include <cmath>
#include <limits>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

constexpr double kNoMask = 1e20;  // squared millimetres, farther than all

// min over i of (spacing (x - i))^2 + f(i) for every x of a line: the lower envelope of parabolas
// (Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions, 2012).
void transform_line(std::vector<double>& f, double spacing, std::vector<double>& out,
                    std::vector<std::int64_t>& foot, std::vector<double>& from) {
  const auto n = static_cast<std::int64_t>(f.size());
  const double s = spacing * spacing;
  std::int64_t last = 0;
  foot[0] = 0;
  from[0] = -std::numeric_limits<double>::infinity();
  for (std::int64_t q = 1; q < n; ++q) {
    double cross = 0;
    for (;; --last) {
      const std::int64_t p = foot[static_cast<std::size_t>(last)];
      cross = (f[static_cast<std::size_t>(q)] - f[static_cast<std::size_t>(p)] +
               s * static_cast<double>(q * q - p * p)) /
              (2 * s * static_cast<double>(q - p));
      if (cross > from[static_cast<std::size_t>(last)]) break;
    }
    ++last;
    foot[static_cast<std::size_t>(last)] = q;
    from[static_cast<std::size_t>(last)] = cross;
  }
  std::int64_t k = 0;
  for (std::int64_t x = 0; x < n; ++x) {
    while (k < last && from[static_cast<std::size_t>(k) + 1] < static_cast<double>(x)) ++k;
    const std::int64_t p = foot[static_cast<std::size_t>(k)];
    out[static_cast<std::size_t>(x)] =
        s * static_cast<double>((x - p) * (x - p)) + f[static_cast<std::size_t>(p)];
  }
}

// All lines of one axis, `step` numbers from one voxel to the next.
void transform_axis(std::vector<double>& squared, std::int64_t size, std::int64_t step, double spacing) {
  const auto n = static_cast<std::size_t>(size);
  std::vector<double> line(n), out(n), from(n);
  std::vector<std::int64_t> foot(n);
  const auto count = static_cast<std::int64_t>(squared.size());
  for (std::int64_t start = 0; start < count; ++start) {
    if (start / step % size != 0) continue;
    for (std::int64_t x = 0; x < size; ++x)
      line[static_cast<std::size_t>(x)] = squared[static_cast<std::size_t>(start + x * step)];
    transform_line(line, spacing, out, foot, from);
    for (std::int64_t x = 0; x < size; ++x)
      squared[static_cast<std::size_t>(start + x * step)] = out[static_cast<std::size_t>(x)];
  }
}

}  // namespace

at::Tensor distance_to_mask(const at::Tensor& mask_dhw, const std::array<double, 3>& spacing_xyz_mm) {
  const at::Tensor mask = mask_dhw.contiguous();
  const auto* voxel = mask.const_data_ptr<std::uint8_t>();
  std::vector<double> squared(static_cast<std::size_t>(mask.numel()));
  for (std::size_t i = 0; i < squared.size(); ++i) squared[i] = voxel[i] != 0 ? 0 : kNoMask;
  const std::int64_t height = mask.size(1), width = mask.size(2);
  transform_axis(squared, width, 1, spacing_xyz_mm[0]);
  transform_axis(squared, height, width, spacing_xyz_mm[1]);
  transform_axis(squared, mask.size(0), width * height, spacing_xyz_mm[2]);
  at::Tensor distance = at::empty(mask.sizes(), at::kFloat);
  auto* out = distance.mutable_data_ptr<float>();
  for (std::size_t i = 0; i < squared.size(); ++i) out[i] = static_cast<float>(std::sqrt(squared[i]));
  return distance;
}

at::Tensor connected_parts(const at::Tensor& mask_dhw, std::int64_t& parts) {
  const at::Tensor mask = mask_dhw.contiguous();
  const auto* inside = mask.const_data_ptr<std::uint8_t>();
  at::Tensor labels = at::zeros(mask.sizes(), at::kInt);
  auto* label = labels.mutable_data_ptr<std::int32_t>();
  const std::int64_t depth = mask.size(0), height = mask.size(1), width = mask.size(2);
  parts = 0;
  std::vector<std::int64_t> open;
  for (std::int64_t seed = 0; seed < mask.numel(); ++seed) {
    if (inside[seed] == 0 || label[seed] != 0) continue;
    label[seed] = static_cast<std::int32_t>(++parts);
    open.push_back(seed);
    while (!open.empty()) {
      const std::int64_t at = open.back(), k = at / (height * width), j = at / width % height, i = at % width;
      open.pop_back();
      for (std::int64_t near = 0; near < 27; ++near) {
        const std::int64_t d = k + near / 9 - 1, h = j + near / 3 % 3 - 1, w = i + near % 3 - 1;
        if (d < 0 || h < 0 || w < 0 || d >= depth || h >= height || w >= width) continue;
        const std::int64_t next = (d * height + h) * width + w;
        if (inside[next] == 0 || label[next] != 0) continue;
        label[next] = static_cast<std::int32_t>(parts);
        open.push_back(next);
      }
    }
  }
  return labels;
}

}  // namespace pillar
