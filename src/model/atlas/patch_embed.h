// From windowed voxels to tokens, in LibTorch calls: the trainable form. Inference has its own two
// (streamed_stem.h, whole_stem.h).
#pragma once

#include "model/atlas/patch_embed_table.h"
#include "nn/shared/layers.h"

#include <vector>

namespace pillar {

struct BatchNorm {
  BatchNorm() = default;
  BatchNorm(const Scope& scope, double epsilon);
  at::Tensor operator()(const at::Tensor& x, const PassOptions& pass) const;
  at::Tensor weight, bias, running_mean, running_var, num_batches_tracked;
  double epsilon = 1e-5;

 private:
  at::Tensor over_processes(const at::Tensor& x, const PassOptions& pass) const;
};

struct Conv3d {
  Conv3d() = default;
  Conv3d(const Scope& scope, const ConvStep& step);
  at::Tensor operator()(const at::Tensor& x, const PassOptions& pass) const;
  at::Tensor weight, bias;
  ConvStep step;
};

struct PatchEmbed {
  PatchEmbed() = default;
  // `scope`: visual.patch_embeds.<modality>.
  PatchEmbed(const Scope& scope, PatchEmbedKind kind);
  // (B, in_chans, D, H, W) -> (B, dim, d, h, w) float32.
  at::Tensor operator()(const at::Tensor& image_bcdhw, const PassOptions& pass) const;

  struct Down {
    Conv3d conv;
    BatchNorm norm;
  };
  struct Residual {
    Conv3d conv1, conv2;
    BatchNorm norm1, norm2;
  };
  std::vector<Down> down;
  std::vector<Residual> residual;
  LayerNorm ds1_norm;
  Conv3d ds1;
  at::Tensor view_positions;  // (1, views, dim), of the two-view embed only
  int views = 1;

 private:
  at::Tensor embed_view(const at::Tensor& image_bcdhw, const PassOptions& pass) const;
};

}  // namespace pillar
