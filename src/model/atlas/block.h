// The multi-scale attention block (docs/formats.md, "Block"): every scale of the pyramid attends to itself
// and to all coarser scales, then back from coarse to fine.
#pragma once

#include "model/atlas/scale_layout.h"
#include "nn/shared/attention.h"
#include "nn/shared/layers.h"

#include <vector>

namespace pillar {

// Rates and widths that the weights' shapes do not tell.
struct BlockSettings {
  std::int64_t num_heads = 1;
  double drop = 0, attn_drop = 0, drop_path = 0;
  Size3 local2global_dhw = {1, 1, 1};
};

// Tokens of one scale: (batch * windows, tokens, dim) float32, rows in the order b d h w.
using ScaleTokens = std::vector<at::Tensor>;

class AtlasBlock {
 public:
  // `scope`: visual.atlas_models.<stage>.blocks.<i>. `layout`: the scales this stage still holds, finest
  // first.
  AtlasBlock(const Scope& scope, const std::vector<ScaleLayout>& layout, const BlockSettings& settings);
  // For inference only, from then on: weights of products kept in `compute`, position tables made once.
  void freeze(at::ScalarType compute);
  void operator()(ScaleTokens& scales, const PassOptions& pass) const;
  std::vector<at::Tensor> parameters() const;

 private:
  struct Run {  // one pass
    Execution execution;
    std::optional<at::Generator> draws;  // set when training
  };
  struct Scale {
    LayerNorm norm1_q, norm1_kv, norm2;
    Linear q, kv, proj, fc1, fc2, position1, position2;
    at::Tensor coordinates_hwd;   // (tokens, 3), in [-1,1]
    at::Tensor frozen_positions;  // (tokens, dim)
  };
  void add_positions(ScaleTokens& scales) const;
  void pool_upwards(ScaleTokens& scales, const Execution& execution) const;
  void attend_to_coarser(ScaleTokens& scales, const Run& pass) const;
  void attend_to_finer(ScaleTokens& scales, const Run& pass) const;
  at::Tensor queries(const Scale& scale, const at::Tensor& x, const Run& pass) const;
  KeyValuePart keys_values(const Scale& scale, const at::Tensor& x, const Run& pass) const;
  at::Tensor attend(const at::Tensor& query, const std::vector<KeyValuePart>& parts, const Run& pass) const;
  // x + proj(attended), then + MLP(norm2).
  at::Tensor finish(const Scale& scale, const at::Tensor& x, const at::Tensor& attended,
                    const Run& pass) const;

  std::vector<ScaleLayout> layout_;
  BlockSettings settings_;
  std::vector<Scale> scales_;
};

}  // namespace pillar
