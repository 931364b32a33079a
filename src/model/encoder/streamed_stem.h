// The patch embed for inference, slab by slab, so that neither the windowed channels nor the full-size maps
// exist whole.
#pragma once

#include "model/encoder/folded_stem.h"

#include <functional>

namespace pillar {

// Slices [first, last) of one sample: (last-first, H, W, channels) contiguous float32. Asked for in order,
// each once.
using SlabReader = std::function<at::Tensor(std::int64_t first, std::int64_t last)>;

class StreamedStem {
 public:
  static constexpr int kDefaultSlices = 2;
  StreamedStem(const PatchEmbed& embed, at::ScalarType compute)
      : stem_(embed, compute, StemConvs::winograd) {}
  // Tokens of one sample, (d, h, w, dim) float32. `slices`: of the stem's widest map, taken at a time; 0 for
  // the default.
  at::Tensor operator()(const SlabReader& image, const Size3& size_dhw, int slices) const;
  // Peak of the maps in flight.
  static std::uint64_t estimated_bytes(const PatchEmbed& embed, const Size3& size_dhw, int slices);

 private:
  at::Tensor view_tokens(const SlabReader& image, const Size3& size_dhw, int slices) const;

  FoldedStem stem_;
};

}  // namespace pillar
