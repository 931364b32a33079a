// From windowed voxels to tokens, in LibTorch calls: the trainable form. Inference has its own two
// (streamed_stem.h, whole_stem.h).
#pragma once

#include "model/atlas/patch_embed_table.h"
#include "nn/shared/layers.h"

#include <vector>

namespace pillar {

// A pass through the stem.
struct StemPass : PassOptions {
  // Type of the maps between its layers. Sums over them (statistics, norms) are float32 whatever it is.
  at::ScalarType maps = at::kFloat;
  // Each step keeps only the map that it takes in, and is computed a second time in the backward.
  bool checkpoint = false;
};

// StemPass::maps as a pass on this device has it. On a GPU, where reading and writing maps takes as long as
// convolving them, they have the type of the convolutions; float16 has too small a range for them.
at::ScalarType stem_maps(const Execution& execution);

struct BatchNorm {
  BatchNorm() = default;
  BatchNorm(const Scope& scope, double epsilon);
  // Of x's type, by float32 statistics.
  at::Tensor operator()(const at::Tensor& x, const PassOptions& pass) const;
  at::Tensor weight, bias, running_mean, running_var, num_batches_tracked;
  double epsilon = 1e-5;

 private:
  at::Tensor over_processes(const at::Tensor& x, const PassOptions& pass) const;
};

struct Conv3d {
  Conv3d() = default;
  Conv3d(const Scope& scope, const ConvStep& step);
  // In the type `compute`; what comes out is `maps`.
  at::Tensor operator()(const at::Tensor& x, at::ScalarType compute, at::ScalarType maps) const;
  at::Tensor weight, bias;
  ConvStep step;
};

struct PatchEmbed {
  PatchEmbed() = default;
  // `scope`: visual.patch_embeds.<modality>.
  PatchEmbed(const Scope& scope, PatchEmbedKind kind);
  // (B, in_chans, D, H, W) -> (B, dim, d, h, w) float32.
  at::Tensor operator()(const at::Tensor& image_bcdhw, const StemPass& pass) const;

  // The steps: each takes a map, gives the next, and names the tensors that it learns.
  struct Down {
    Conv3d conv;
    BatchNorm norm;
    at::Tensor operator()(const at::Tensor& x, const StemPass& pass) const;
    std::vector<at::Tensor> parameters() const;
  };
  struct Residual {
    Conv3d conv1, conv2;
    BatchNorm norm1, norm2;
    at::Tensor operator()(const at::Tensor& x, const StemPass& pass) const;
    std::vector<at::Tensor> parameters() const;
  };
  struct Reduction {
    LayerNorm norm;  // over channels
    Conv3d conv;
    at::Tensor operator()(const at::Tensor& x, const StemPass& pass) const;  // float32
    std::vector<at::Tensor> parameters() const;
  };
  std::vector<Down> down;
  std::vector<Residual> residual;
  LayerNorm ds1_norm;
  Conv3d ds1;
  at::Tensor view_positions;  // (1, views, dim), of the two-view embed only
  int views = 1;

 private:
  at::Tensor embed_view(const at::Tensor& image_bcdhw, const StemPass& pass) const;
};

}  // namespace pillar
