// The shapes inside an Atlas tower, written plainly from docs/formats.md ("Atlas") and apart from the library
// that is measured.
#pragma once

#include "pillar/model/atlas_config.h"

#include <array>
#include <cstdint>
#include <vector>

namespace pillar::bench {

using Size3 = std::array<std::int64_t, 3>;

struct PlainConv {  // kernel 3x3x3
  Size3 stride_dhw;
  Size3 padding_dhw = {1, 1, 1};
};
struct PlainEmbed {
  std::vector<PlainConv> conv_down;
  PlainConv ds1;
};

// Throws Error(unsupported) for volume_884, whose windows are cut along other axes than they are arranged,
// and for two views.
const PlainEmbed& plain_embed(PatchEmbedKind kind);

// Output size; throws Error(unsupported) where the input is smaller than the kernel.
Size3 convolved_size(const Size3& size_dhw, const PlainConv& conv);
Size3 plain_tokens_dhw(PatchEmbedKind kind, const Size3& size_dhw);

struct PlainScale {
  Size3 grid_dhw;    // windows
  Size3 window_dhw;  // tokens of each
  std::int64_t windows() const { return grid_dhw[0] * grid_dhw[1] * grid_dhw[2]; }
  std::int64_t window_tokens() const { return window_dhw[0] * window_dhw[1] * window_dhw[2]; }
  std::int64_t tokens() const { return windows() * window_tokens(); }
};

// Finest first. `merge_dhw` may differ from the tower's own merge_ratio.
std::vector<PlainScale> plain_scales(const Size3& tokens_dhw, const Size3& merge_dhw, const Size3& pool_dhw);

}  // namespace pillar::bench
