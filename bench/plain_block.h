// The plain multi-scale attention block (docs/formats.md, "Block").
#pragma once

#include "pillar/model/weights.h"

#include "plain_layout.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

namespace pillar::bench {

// The weights below a name.
struct PlainPart {
  const WeightMap* weights;
  std::string prefix;
  PlainPart operator/(std::string_view name) const { return {weights, fmt::format("{}{}.", prefix, name)}; }
  const at::Tensor& tensor(std::string_view name) const {
    return weights->at(fmt::format("{}{}", prefix, name));
  }
  // Undefined where there is none.
  at::Tensor optional(std::string_view name) const {
    const auto found = weights->find(fmt::format("{}{}", prefix, name));
    return found == weights->end() ? at::Tensor() : found->second;
  }
};

struct PlainBlock {
  PlainPart part;                      // visual.atlas_models.<stage>.blocks.<i>
  std::span<const PlainScale> layout;  // scales still held, finest first
  std::int64_t num_heads;
  Size3 pool_dhw;  // local2global
};

// (batch, D,H,W, channels) <-> (batch * windows, tokens, channels), both in the order d h w.
at::Tensor plain_to_windows(const at::Tensor& grid, const Size3& grid_dhw, const Size3& window_dhw);
at::Tensor plain_to_grid(const at::Tensor& windows, const Size3& grid_dhw, const Size3& window_dhw);
at::Tensor plain_max_pool(const at::Tensor& grid, const Size3& by);

// scales: (batch * windows, tokens, dim) float32, one an entry of `layout`; replaced.
void run_plain_block(const PlainBlock& block, std::vector<at::Tensor>& scales);

}  // namespace pillar::bench
