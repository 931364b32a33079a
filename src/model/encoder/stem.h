// The patch embed for inference: BatchNorm folded into the convolutions, channels last, slab by slab, so that
// neither the windowed channels nor the full-size maps exist whole.
#pragma once

#include "model/atlas/patch_embed.h"
#include "model/encoder/winograd.h"

#include <functional>
#include <optional>
#include <vector>

namespace pillar {

// Slices [first, last) of one sample: (last-first, H, W, channels) contiguous float32. Asked for in order,
// each once.
using SlabReader = std::function<at::Tensor(std::int64_t first, std::int64_t last)>;

class Stem {
 public:
  static constexpr int kDefaultSlices = 2;
  // `whole_maps`: for whole(), not for the slice by slice form.
  Stem(const PatchEmbed& embed, at::ScalarType compute, bool whole_maps = false);
  // The same folded convolutions on whole maps, for a device with the memory and the parallel units to want
  // them so: (B, channels, D, H, W) to (B, d, h, w, dim) float32.
  at::Tensor whole(const at::Tensor& image_bcdhw) const;
  // Tokens of one sample, (d, h, w, dim) float32. `slices`: of the stem's widest map, taken at a time; 0 for
  // the default.
  at::Tensor operator()(const SlabReader& image, const Size3& size_dhw, int slices) const;
  // Peak of the maps in flight.
  std::uint64_t estimated_bytes(const Size3& size_dhw, int slices) const;

 private:
  struct Folded {
    ConvStep step;
    std::int64_t in_channels, out_channels;
    std::optional<WinogradConv> winograd;  // else:
    at::Tensor weight, bias;  // (out, in, 3, 3, 3) in the compute type, channels last; bias may be undefined
  };
  class ImageSlices;
  class ConvSlices;
  class ResidualSlices;
  class NormSlices;

  static Folded fold(const Conv3d& conv, const BatchNorm* norm, at::ScalarType compute, bool direct);
  at::Tensor whole_view(const at::Tensor& image_bcdhw) const;
  at::Tensor run_view(const SlabReader& image, const Size3& size_dhw, int slices) const;

  at::ScalarType compute_;
  int views_;
  std::vector<Folded> down_;
  std::vector<std::pair<Folded, Folded>> residual_;
  LayerNorm norm_;
  Folded ds1_;
  at::Tensor view_positions_;
};

}  // namespace pillar
