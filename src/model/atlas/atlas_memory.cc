#include "pillar/model/atlas_memory.h"

#include "model/atlas/patch_embed.h"

#include <vector>

#include <c10/core/ScalarType.h>

namespace pillar {
namespace {

constexpr double kFloatBytes = 4;

double places_of(const Size3& size) {
  return static_cast<double>(size[0]) * static_cast<double>(size[1]) * static_cast<double>(size[2]);
}

double bytes_of(at::ScalarType type) {
  return static_cast<double>(c10::elementSize(type));
}

// Of one image: numbers of the map after each convolution down, all views together.
std::vector<double> maps_down(const TowerConfig& tower, PatchEmbedKind kind) {
  const PatchEmbedTable& table = patch_embed_table(kind);
  Size3 size = tower.size_dhw();
  size[static_cast<std::size_t>(view_axis(table.views, size[0])) - 2] /= table.views;
  std::vector<double> maps;
  for (const ConvStep& step : table.conv_down) {
    size = convolved(size, step);
    const auto width = static_cast<double>(maps.empty() ? kFirstStemWidth : tower.num_features);
    maps.push_back(width * places_of(size) * table.views);
  }
  return maps;
}

// What layers keep, number by number of a map: a convolution its input in the compute type, a norm and GELU
// theirs in the maps', ReLU its result. Where the two types differ, a convolution's input is a copy.
void add_stem(const std::vector<double>& down, const AtlasPass& pass, AtlasMemory& memory) {
  const at::ScalarType type = stem_maps(pass.execution);
  const double map = bytes_of(type), compute = bytes_of(pass.execution.compute), last = down.back();
  const bool copies = type != pass.execution.compute;
  constexpr double kBlocks = kStemResidualBlocks;
  if (pass.frozen_patch_embed || !pass.execution.gradients) {
    memory.stem_at_work = 3 * map * last;
    return;
  }
  // Within a residual block: two norms' inputs, GELU's input, the inputs of the convolutions but the block's
  // own where that is no copy.
  const double within = 3 * map + (copies ? 2 : 1) * compute;
  if (pass.checkpoint_stem) {
    for (const double numbers : down) memory.stem_kept += map * numbers;
    memory.stem_kept += kBlocks * map * last;
    // A block's maps again and two gradients; or the last norm's input and two gradients, in float32.
    const double block = within + map + (copies ? compute : map);
    memory.stem_at_work = std::max(block, 3 * kFloatBytes) * last;
    return;
  }
  for (std::size_t i = 0; i < down.size(); ++i) {
    memory.stem_kept += 2 * map * down[i];
    if (copies && i > 0) memory.stem_kept += compute * down[i - 1];
  }
  const double results = (copies ? 0 : (kBlocks - 1) * map) + kFloatBytes;
  memory.stem_kept += (kBlocks * within + results + compute) * last;
  memory.stem_at_work = (map + compute) * last;
}

// Numbers of each scale's tokens together, finest first.
std::vector<double> numbers_of_scales(const AtlasConfig& config, const TowerConfig& tower,
                                      PatchEmbedKind kind) {
  std::vector<double> numbers;
  for (const ScaleLayout& layout : scale_layout(tower, embedded_tokens_dhw(kind, tower.size_dhw())))
    numbers.push_back(static_cast<double>(layout.windows() * layout.window_tokens() * config.dim));
  return numbers;
}

// What a block keeps of the scales that it holds, for its own backward.
double kept_by_block(const std::vector<double>& scales, std::size_t first, const AtlasConfig& config,
                     double compute) {
  const double drop = config.drop > 0 ? 2 + config.mlp_ratio : 0;  // masks
  // float32: its input, the sum after attention, its result. Compute type: inputs of the products (two
  // norms', attention's, the third norm's, GELU's), q, k, v, the hidden layer.
  const double inner = 2 * config.mlp_ratio + 3 + drop;
  double bytes = 0;
  for (std::size_t k = first; k < scales.size(); ++k) {
    bytes += scales[k] * (3 * kFloatBytes + compute * (4 + inner));
    if (k > first) bytes += scales[k] * (2 * kFloatBytes + compute * (1 + inner));  // attending to the finer
    if (k + 1 < scales.size()) bytes += scales[k] * compute * 3;                    // and attended to
  }
  return bytes;
}

void add_blocks(const std::vector<double>& scales, const AtlasConfig& config, const AtlasPass& pass,
                AtlasMemory& memory) {
  const double compute = bytes_of(pass.execution.compute);
  for (std::size_t s = 0; s < config.stages.size(); ++s) {
    double held = 0;  // the block's input
    for (std::size_t k = s; k < scales.size(); ++k) held += kFloatBytes * scales[k];
    const double kept = kept_by_block(scales, s, config, compute);
    const auto blocks = static_cast<double>(config.stages[s]);
    memory.blocks_kept += blocks * (pass.checkpoint_blocks ? held : kept);
    // Gradients come as what they are computed from goes.
    if (pass.checkpoint_blocks) memory.blocks_at_work = std::max(memory.blocks_at_work, kept + held);
  }
  // Each stage's map resized, and all of them side by side.
  if (pass.want_activ)
    memory.blocks_kept += 2 * compute * static_cast<double>(config.stages.size()) * scales.front();
}

}  // namespace

AtlasMemory atlas_memory(const AtlasConfig& config, const TowerConfig& tower, PatchEmbedKind kind,
                         const AtlasPass& pass) {
  AtlasMemory memory;
  memory.image =
      bytes_of(pass.execution.compute) * static_cast<double>(tower.in_chans) * places_of(tower.size_dhw());
  add_stem(maps_down(tower, kind), pass, memory);
  if (pass.execution.gradients) add_blocks(numbers_of_scales(config, tower, kind), config, pass, memory);
  return memory;
}

}  // namespace pillar
