#include "pillar/eval/scan_attention.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include "eval/input_way.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

// A grid of tokens over the input's voxels.
class TokenGrid {
 public:
  TokenGrid(const at::Tensor& weights_dhw, const SizeDhw& input_dhw)
      : weights_(weights_dhw.contiguous()), values_(weights_.const_data_ptr<float>()) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      tokens_[axis] = weights_.size(static_cast<std::int64_t>(axis));
      per_voxel_[axis] = static_cast<double>(tokens_[axis]) / static_cast<double>(input_dhw[axis]);
    }
    density_ = per_voxel_[0] * per_voxel_[1] * per_voxel_[2];
  }

  // The weight of one voxel; 0 outside of the input.
  double weight_at(const VoxelDhw& voxel_dhw) const {
    std::array<std::int64_t, 3> token;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double place = std::floor((voxel_dhw[axis] + 0.5) * per_voxel_[axis]);
      if (!(place >= 0 && place < static_cast<double>(tokens_[axis]))) return 0;
      token[axis] = static_cast<std::int64_t>(place);
    }
    return values_[(token[0] * tokens_[1] + token[1]) * tokens_[2] + token[2]] * density_;
  }

 private:
  at::Tensor weights_;
  const float* values_;
  std::array<std::int64_t, 3> tokens_ = {};
  std::array<double, 3> per_voxel_ = {};  // tokens in a voxel's length
  double density_ = 1;                    // tokens in a voxel
};

std::vector<TokenGrid> token_grids(std::span<const at::Tensor> members_dhw, const SizeDhw& input_dhw) {
  std::vector<TokenGrid> grids;
  for (const at::Tensor& weights : members_dhw) {
    const double sum = weights.sum(at::kDouble).item<double>();
    if (!std::isfinite(sum) || sum <= 0) fail(ErrorCategory::input, "an attention whose sum is {}", sum);
    grids.emplace_back(weights.div(sum), input_dhw);
  }
  return grids;
}

// One slice of the map, and its sum.
double draw_slice(const std::vector<TokenGrid>& grids, const InputWay& way, const SizeDhw& size,
                  std::int64_t k, float* voxel) {
  double sum = 0;
  for (std::int64_t j = 0; j < size[1]; ++j) {
    for (std::int64_t i = 0; i < size[2]; ++i) {
      const VoxelDhw input = way.at(k, j, i);
      double weight = 0;
      for (const TokenGrid& grid : grids) weight += grid.weight_at(input);
      sum += weight;
      *voxel++ = static_cast<float>(weight);
    }
  }
  return sum;
}

}  // namespace

ScanAttention attention_on_scan(std::span<const at::Tensor> members_dhw, const Placement& placement) {
  const std::vector<TokenGrid> grids = token_grids(members_dhw, placement.size_dhw);
  const InputWay way = input_way(placement, placement.source.geometry);
  const SizeDhw& size = placement.source.size_dhw;
  ScanAttention attention;
  attention.map.geometry = placement.source.geometry;
  at::Tensor& voxels = attention.map.voxels_dhw;
  voxels = at::zeros(size, at::kFloat);
  auto* slices = voxels.mutable_data_ptr<float>();
  std::vector<double> sums(static_cast<std::size_t>(size[0]));
  parallel_for(size[0], usable_processors(), [&](std::int64_t k) {
    sums[static_cast<std::size_t>(k)] = draw_slice(grids, way, size, k, slices + k * size[1] * size[2]);
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  if (!(sum > 0)) fail(ErrorCategory::input, "all that the model looked at is padding");
  voxels.mul_(1 / sum);
  const double on_scan = sum * way.volume() / static_cast<double>(grids.size());
  attention.beside_scan = std::clamp(1 - on_scan, 0.0, 1.0);
  return attention;
}

}  // namespace pillar
