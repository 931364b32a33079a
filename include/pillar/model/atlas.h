// One Atlas tower that can be trained: patch embed, stages, readout (docs/formats.md, "Atlas").
#pragma once

#include "pillar/model/atlas_config.h"
#include "pillar/model/weights.h"
#include "pillar/nn/execution.h"
#include "pillar/nn/parameters.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// A place in the tower that a caller may look at: the patch embed, or one scale after one stage.
struct AtlasPlace {
  std::int64_t stage = -1;  // -1: the patch embed
  std::int64_t scale = 0;   // counted from the finest scale of the whole model
};
std::string to_string(const AtlasPlace& place);  // "patch_embed", "stage1.scale2"

struct AtlasPass {
  // Dropout, drop-path and BatchNorm by the batch's own statistics where true.
  bool train = false;
  // Whether a training pass moves BatchNorm's running statistics: no for one that will be run again.
  bool update_statistics = true;
  // The patch embed (stem) runs as for inference whatever `train` says: running statistics, no gradients.
  bool frozen_patch_embed = false;
  // Where several processes train together and BatchNorm is to see all their samples: the sum of a small
  // tensor over processes, which gradients flow through. Called twice a BatchNorm, by every process in the
  // same order.
  std::function<at::Tensor(const at::Tensor&)> sum_over_processes;
  // Its device must be that of the weights. Without `gradients` a pass runs as under at::NoGradGuard.
  Execution execution = {};
  // Of every random draw of this pass: the same seed drops the same elements again.
  std::uint64_t seed = 0;
  // Each block keeps its input only and is computed a second time in the backward.
  bool checkpoint_blocks = false;
  // Each step of the patch embed (convolution or residual block with its norms) keeps only the map that it
  // takes in, likewise. BatchNorm's running statistics move once; `sum_over_processes` is called in the
  // backward, too.
  bool checkpoint_stem = false;
  bool want_activ = false;
  // Where the readout's maxima stand (AtlasOutput::places); not with gradients.
  bool want_places = false;
  // Called with what stands at each place, as it is made: (B, dim, d, h, w) of the patch embed, (B * windows,
  // tokens, dim) of the others.
  std::function<void(const AtlasPlace&, const at::Tensor&)> observe;
};

struct AtlasOutput {
  at::Tensor readout;  // (B, stages * dim): maximum over the tokens of each emitted scale, finest first
  at::Tensor pooled;   // readout, L2-normalised
  // If wanted: what finetuning heads take, (B, stages * dim, t, y, x) in the type of the pass, each stage's
  // tokens resized to the configuration's H,W,D.
  at::Tensor activ;
  // If wanted: (B, stages * dim) int64, of each number of the readout the token that has it, counted on its
  // scale's grid along d, h and w (token_scales.h). Of equal tokens the first in the order of windows.
  at::Tensor places;
};

class Atlas {
 public:
  // Keeps the tensors of `weights` that it needs (not copies: a step of an optimiser on them is seen at
  // once). Gradients flow to those that require them. Throws what check_weights() and infer_patch_embed()
  // throw.
  Atlas(const AtlasConfig& config, const std::string& tower, const WeightMap& weights,
        const std::string& source);
  Atlas(Atlas&&) noexcept;
  Atlas& operator=(Atlas&&) noexcept;
  ~Atlas();

  // image_bcdhw: (B, in_chans, D, H, W) float, windows applied, D,H,W the tower's size. Throws Error(input)
  // otherwise.
  AtlasOutput forward(const at::Tensor& image_bcdhw, const AtlasPass& pass) const;

  const TowerConfig& tower() const noexcept;
  // What this tower reads of `weights`: groups "patch_embed", "stage0", "stage1", ...
  const Parameters& parameters() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar
