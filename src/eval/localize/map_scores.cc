#include "eval/localize/map_scores.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace pillar {
namespace {

// Maps have few different values, those of tokens: voxels are counted by value.
struct ValueLevel {
  float value = 0;
  double voxels = 0, inside = 0;
};

std::vector<ValueLevel> falling_levels(const at::Tensor& map_dhw, const at::Tensor& mask_dhw) {
  const at::Tensor map = map_dhw.contiguous(), mask = mask_dhw.contiguous();
  const auto* value = map.const_data_ptr<float>();
  const auto* inside = mask.const_data_ptr<std::uint8_t>();
  std::unordered_map<float, std::size_t> place;
  std::vector<ValueLevel> levels;
  for (std::int64_t i = 0; i < map.numel(); ++i) {
    const float height = std::max(value[i], 0.0f);
    const auto [found, is_new] = place.emplace(height, levels.size());
    if (is_new) levels.push_back({height, 0, 0});
    ValueLevel& level = levels[found->second];
    ++level.voxels;
    level.inside += inside[i];
  }
  std::sort(levels.begin(), levels.end(),
            [](const ValueLevel& a, const ValueLevel& b) { return a.value > b.value; });
  return levels;
}

}  // namespace

LocalizationScores map_scores(const at::Tensor& map_dhw, const at::Tensor& mask_dhw) {
  const std::vector<ValueLevel> levels = falling_levels(map_dhw, mask_dhw);
  double truth = 0, energy = 0, energy_inside = 0;
  for (const ValueLevel& level : levels) {
    truth += level.inside;
    energy += level.value * level.voxels;
    energy_inside += level.value * level.inside;
  }
  LocalizationScores scores;
  scores.energy_inside = energy > 0 ? energy_inside / energy : 0;
  const double half = 0.5 * static_cast<double>(levels.front().value);
  double voxels = 0, inside = 0;
  for (const ValueLevel& level : levels) {
    voxels += level.voxels;
    inside += level.inside;
    const double dice = 2 * inside / (voxels + truth);
    scores.average_precision += level.inside / truth * inside / voxels;
    scores.best_dice = std::max(scores.best_dice, dice);
    if (level.value > 0 && level.value >= half) scores.fixed_dice = dice;
  }
  return scores;
}

}  // namespace pillar
