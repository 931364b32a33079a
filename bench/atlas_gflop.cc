#include "atlas_gflop.h"

#include "plain_layout.h"

#include <span>

namespace pillar::bench {
namespace {

constexpr double kTaps = 27, kInnerWidth = 64, kResidualConvolutions = 6, kPositionWidth = 512;

// Everything below in multiply-adds.

double voxels(const Size3& size) {
  return static_cast<double>(size[0] * size[1] * size[2]);
}

double stem(const AtlasConfig& config, const TowerConfig& tower, PatchEmbedKind kind) {
  const PlainEmbed& embed = plain_embed(kind);
  const auto width = static_cast<double>(tower.num_features);
  Size3 size = tower.size_dhw();
  double sum = 0;
  auto in = static_cast<double>(tower.in_chans);
  for (std::size_t i = 0; i < embed.conv_down.size(); ++i) {
    size = convolved_size(size, embed.conv_down[i]);
    const double out = i == 0 ? kInnerWidth : width;
    sum += voxels(size) * kTaps * in * out;
    in = out;
  }
  sum += kResidualConvolutions * voxels(size) * kTaps * width * width;
  return sum + voxels(convolved_size(size, embed.ds1)) * kTaps * width * static_cast<double>(config.dim);
}

// One block on the scales that a stage still holds, finest first.
double block(const AtlasConfig& config, std::span<const PlainScale> scales) {
  const auto dim = static_cast<double>(config.dim);
  const double square = dim * dim;
  const double finish = (1 + 2 * config.mlp_ratio) * square;  // projection and perceptron, of a token
  double sum = 0, keys = 0;                                   // keys of this scale and all coarser ones
  for (std::size_t k = scales.size(); k-- > 0;) {
    const auto tokens = static_cast<double>(scales[k].tokens());
    const auto window = static_cast<double>(scales[k].window_tokens());
    keys += window;
    sum += window * kPositionWidth * (3 + dim);
    sum += tokens * (3 * square + 2 * keys * dim + finish);  // q, k, v; attention
    if (k == 0) continue;
    // Keys and values once more from the updated tokens; then back from coarse to fine.
    const PlainScale& fine = scales[k - 1];
    sum += tokens * 2 * square;
    sum += static_cast<double>(fine.tokens()) * 2 * square;
    sum += tokens * (square + 2 * static_cast<double>(fine.window_tokens()) * dim + finish);
  }
  return sum;
}

}  // namespace

double atlas_gflop(const AtlasConfig& config, const TowerConfig& tower, PatchEmbedKind kind) {
  const std::vector<PlainScale> scales =
      plain_scales(plain_tokens_dhw(kind, tower.size_dhw()), tower.merge_ratio_dhw, tower.local2global_dhw);
  double sum = stem(config, tower, kind);
  for (std::size_t s = 0; s < config.stages.size(); ++s)
    sum += static_cast<double>(config.stages[s]) * block(config, std::span(scales).subspan(s));
  return 2 * sum / 1e9;
}

}  // namespace pillar::bench
