// The token part of Atlas: pyramid, stages, readout. Shared by training and inference.
#pragma once

#include "pillar/model/atlas.h"

#include "model/atlas/block.h"

#include <vector>

namespace pillar {

class Stages {
 public:
  // `scope`: visual.
  Stages(const Scope& scope, const AtlasConfig& config, const TowerConfig& tower, const Size3& tokens_dhw);
  void freeze(at::ScalarType compute);
  // grid: (B, d, h, w, dim) float32, what the patch embed gave; released early where it can be.
  AtlasOutput operator()(at::Tensor grid_bdhwc, const AtlasPass& pass) const;

 private:
  ScaleTokens pyramid(at::Tensor grid_bdhwc, const Execution& execution) const;
  // tokens (B, N, dim) of one scale, windows one after the other: (B, dim) maximum and, if wanted, its
  // places.
  void read_out(const at::Tensor& tokens, const ScaleLayout& layout, const AtlasPass& pass,
                std::vector<at::Tensor>& readouts, std::vector<at::Tensor>& places) const;
  // One stage's part of AtlasOutput::activ, (B, dim, t, y, x).
  at::Tensor activ(const at::Tensor& tokens, const ScaleLayout& layout, at::ScalarType type) const;

  TowerConfig tower_;
  std::vector<ScaleLayout> layout_;
  std::vector<std::vector<AtlasBlock>> stages_;
};

}  // namespace pillar
