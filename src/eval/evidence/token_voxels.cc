#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"
#include "pillar/eval/evidence.h"

#include "eval/input_way.h"
#include "eval/voxel_at.h"

#include <cmath>

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

// The finest token that a voxel of the input lies in, -1 beside all.
std::int32_t finest_token(const VoxelDhw& input, const TokenScale& finest, const SizeDhw& input_dhw) {
  std::int64_t token = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t tokens = finest.tokens_dhw[axis];
    const double place =
        std::floor((input[axis] + 0.5) * static_cast<double>(tokens) / static_cast<double>(input_dhw[axis]));
    if (!(place >= 0 && place < static_cast<double>(tokens))) return -1;
    token = token * tokens + static_cast<std::int64_t>(place);
  }
  return static_cast<std::int32_t>(token);
}

// The voxel of a grid that the middle of a token lies in, -1 beside it.
std::int64_t voxel_of_token(std::int64_t token, const TokenScale& scale, const TokenScale& finest,
                            const Placement& placement, const Grid& grid) {
  VoxelDhw input;
  for (std::size_t axis = 3; axis-- > 0;) {
    const std::int64_t index = token % scale.tokens_dhw[axis];
    token /= scale.tokens_dhw[axis];
    const double voxels = static_cast<double>(placement.size_dhw[axis] * scale.finest_dhw[axis]) /
                          static_cast<double>(finest.tokens_dhw[axis]);
    input[axis] = (static_cast<double>(index) + 0.5) * voxels - 0.5;
  }
  return voxel_at(grid, to_patient(placement, input));
}

void check_maps(const std::vector<at::Tensor>& of_scale_dhw, const std::vector<TokenScale>& scales) {
  bool fits = of_scale_dhw.size() == scales.size();
  for (std::size_t s = 0; fits && s < scales.size(); ++s)
    fits = of_scale_dhw[s].sizes() == at::IntArrayRef(scales[s].tokens_dhw);
  if (!fits) fail(ErrorCategory::input, "evidence of other grids of tokens than the study's");
}

}  // namespace

TokenVoxels::TokenVoxels(const Placement& placement, const std::vector<TokenScale>& scales, const Grid& grid)
    : placement_(placement), scales_(scales), grid_(grid) {
  const InputWay way = input_way(placement, grid.geometry);
  finest_dhw_ = at::empty(grid.size_dhw, at::kInt);
  auto* tokens = finest_dhw_.mutable_data_ptr<std::int32_t>();
  const auto [depth, height, width] = grid.size_dhw;
  parallel_for(depth, usable_processors(), [&](std::int64_t k) {
    std::int32_t* token = tokens + k * height * width;
    for (std::int64_t j = 0; j < height; ++j) {
      for (std::int64_t i = 0; i < width; ++i)
        *token++ = finest_token(way.at(k, j, i), scales_.front(), placement.size_dhw);
    }
  });
  for (const TokenScale& scale : scales_) voxels_of_.emplace_back(static_cast<std::size_t>(scale.count()), 0);
  std::vector<std::int64_t>& finest = voxels_of_.front();
  for (std::int64_t i = 0; i < finest_dhw_.numel(); ++i) {
    if (tokens[i] >= 0) ++finest[static_cast<std::size_t>(tokens[i])];
  }
  for (std::size_t s = 1; s < scales_.size(); ++s) {
    for (std::size_t f = 0; f < finest.size(); ++f) {
      const std::int64_t token = parent(static_cast<std::int64_t>(f), s);
      if (token >= 0) voxels_of_[s][static_cast<std::size_t>(token)] += finest[f];
    }
  }
}

// The token of a coarser scale that holds one of the finest; -1 for one that pooling left over.
std::int64_t TokenVoxels::parent(std::int64_t finest, std::size_t scale) const {
  std::array<std::int64_t, 3> index;
  for (std::size_t axis = 3; axis-- > 0;) {
    index[axis] = finest % scales_.front().tokens_dhw[axis] / scales_[scale].finest_dhw[axis];
    finest /= scales_.front().tokens_dhw[axis];
    if (index[axis] >= scales_[scale].tokens_dhw[axis]) return -1;
  }
  const auto& tokens = scales_[scale].tokens_dhw;
  return (index[0] * tokens[1] + index[1]) * tokens[2] + index[2];
}

TokenVoxels::FinestWay TokenVoxels::finest_way() const {
  const InputWay way = input_way(placement_, grid_.geometry);
  FinestWay finest;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double tokens = static_cast<double>(scales_.front().tokens_dhw[axis]) /
                          static_cast<double>(placement_.size_dhw[axis]);
    finest.first_dhw[axis] = (way.first[axis] + 0.5) * tokens;
    for (std::size_t a = 0; a < 3; ++a) finest.along_dhw[a][axis] = way.along[a][axis] * tokens;
  }
  return finest;
}

std::vector<std::int64_t> TokenVoxels::tokens_at(const std::array<std::int64_t, 3>& voxel_dhw) const {
  const std::int64_t voxel =
      (voxel_dhw[0] * grid_.size_dhw[1] + voxel_dhw[1]) * grid_.size_dhw[2] + voxel_dhw[2];
  const std::int32_t finest = finest_dhw_.const_data_ptr<std::int32_t>()[voxel];
  std::vector<std::int64_t> tokens;
  for (std::size_t s = 0; s < scales_.size(); ++s) tokens.push_back(finest < 0 ? -1 : parent(finest, s));
  return tokens;
}

std::vector<at::Tensor> TokenVoxels::of_voxels(const std::vector<at::Tensor>& of_scale_dhw,
                                               TokenSpread spread) const {
  check_maps(of_scale_dhw, scales_);
  std::vector<at::Tensor> of_voxels;
  for (std::size_t s = 0; s < scales_.size(); ++s) {
    at::Tensor each = of_scale_dhw[s].to(at::kDouble).contiguous().clone();
    auto* value = each.mutable_data_ptr<double>();
    for (std::size_t t = 0; spread == TokenSpread::evenly && t < voxels_of_[s].size(); ++t)
      value[t] = voxels_of_[s][t] == 0 ? 0 : value[t] / static_cast<double>(voxels_of_[s][t]);
    of_voxels.push_back(each);
  }
  return of_voxels;
}

EvidenceMap TokenVoxels::map(const std::vector<at::Tensor>& of_scale_dhw, TokenSpread spread,
                             std::optional<std::size_t> scale) const {
  const std::vector<at::Tensor> each = of_voxels(of_scale_dhw, spread);
  std::vector<double> of_finest(voxels_of_.front().size(), 0);
  EvidenceMap result;
  result.map.geometry = grid_.geometry;
  result.map.voxels_dhw = at::zeros(grid_.size_dhw, at::kFloat);
  auto* voxels = result.map.voxels_dhw.mutable_data_ptr<float>();
  std::vector<std::pair<std::int64_t, double>> single;  // of tokens that hold no voxel's centre
  for (std::size_t s = 0; s < scales_.size(); ++s) {
    if (scale && *scale != s) continue;
    const auto* value = each[s].const_data_ptr<double>();
    for (std::size_t f = 0; f < of_finest.size(); ++f) {
      const std::int64_t token = parent(static_cast<std::int64_t>(f), s);
      if (token >= 0) of_finest[f] += value[token];
    }
    const at::Tensor given = of_scale_dhw[s].to(at::kDouble).contiguous();
    const auto* evidence = given.const_data_ptr<double>();
    for (std::size_t t = 0; spread == TokenSpread::evenly && t < voxels_of_[s].size(); ++t) {
      if (voxels_of_[s][t] > 0 || evidence[t] == 0) continue;
      const std::int64_t voxel =
          voxel_of_token(static_cast<std::int64_t>(t), scales_[s], scales_.front(), placement_, grid_);
      if (voxel < 0) {
        result.beside_scan += evidence[t];
      } else {
        single.emplace_back(voxel, evidence[t]);
      }
    }
  }
  const auto* token = finest_dhw_.const_data_ptr<std::int32_t>();
  for (std::int64_t i = 0; i < finest_dhw_.numel(); ++i)
    voxels[i] = token[i] < 0 ? 0.0f : static_cast<float>(of_finest[static_cast<std::size_t>(token[i])]);
  for (const auto& [voxel, evidence] : single) voxels[voxel] += static_cast<float>(evidence);
  return result;
}

}  // namespace pillar
