// Layer-wise decay of the learning rate (BEiT, arXiv 2106.08254): what is nearer to the input moves less.
#pragma once

#include "pillar/train/optimizer.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pillar {

struct LayerDecayOptions {
  std::vector<std::int64_t> stages;  // blocks of each stage of the tower, as its configuration has them
  double decay = 1;                  // 1: every layer has the same learning rate
  double weight_decay = 0;           // of tensors with two axes or more
  // The public code exempts tensors of exactly one axis, so that a scalar (logit_scale) decays.
  bool public_scalar_decay = false;
};

// 0 for the patch embed, position embeds, class tokens and logit_scale, the number of blocks in the stages
// before plus the number of its block for atlas_models.S.blocks.I, and the number of all blocks + 1 for
// everything else: norms, the pool, heads. As in the public code block 0 shares 0 with the patch embed. The
// name may have any prefix. Throws Error(usage) for a stage or block that `stages` does not have.
std::int64_t layer_id(std::string_view name, const std::vector<std::int64_t>& stages);

// lr_factor = decay^(the last layer's id - its own), and the weight decay for a tensor of that many axes.
ParameterOptions layer_options(std::string_view name, std::int64_t axes, const LayerDecayOptions& options);

// Of every trainable tensor, for AdamWOptions::by_name. Throws as layer_id(), and Error(usage) for a decay
// that is not in (0, 1].
std::map<std::string, ParameterOptions> layer_decay(const Parameters& parameters,
                                                    const LayerDecayOptions& options);

// Groups of one lr_factor and weight decay, in order of first appearance, which is the order of
// "param_groups" in the public code's optimiser state if `options` are in the order of its modules.
struct LayerGroup {
  ParameterOptions options;
  std::vector<std::string> names;
};
std::vector<LayerGroup> layer_groups(const std::vector<std::pair<std::string, ParameterOptions>>& options);

}  // namespace pillar
