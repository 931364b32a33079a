#include "plain_layout.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cmath>

namespace pillar::bench {

const PlainEmbed& plain_embed(PatchEmbedKind kind) {
  static const PlainEmbed volume_666 = {{{{3, 3, 3}, {0, 0, 0}}, {{1, 1, 1}}}, {{2, 2, 2}}};
  static const PlainEmbed generic = {{{{1, 2, 2}}, {{2, 2, 2}}, {{1, 1, 1}}}, {{3, 2, 2}, {0, 1, 1}}};
  static const PlainEmbed brain = {{{{1, 2, 2}}, {{2, 2, 2}}, {{1, 1, 1}}}, {{2, 2, 2}}};
  static const PlainEmbed breast_mr = {{{{2, 2, 2}}, {{1, 2, 2}}, {{1, 1, 1}}}, {{3, 3, 3}, {0, 0, 0}}};
  static const PlainEmbed prostate_mr = {{{{1, 3, 3}}, {{1, 2, 2}}, {{1, 2, 2}}}, {{1, 2, 2}}};
  static const PlainEmbed xray = {{{{1, 2, 2}}, {{1, 2, 2}}, {{1, 2, 2}}}, {{1, 2, 2}}};
  switch (kind) {
    case PatchEmbedKind::volume_666:
      return volume_666;
    case PatchEmbedKind::generic:
      return generic;
    case PatchEmbedKind::brain:
      return brain;
    case PatchEmbedKind::breast_mr:
      return breast_mr;
    case PatchEmbedKind::prostate_mr:
      return prostate_mr;
    case PatchEmbedKind::xray:
      return xray;
    case PatchEmbedKind::volume_884:
    case PatchEmbedKind::xray_two_view:
      break;
  }
  fail(ErrorCategory::unsupported, "patch embed {}: the plain formulation here does not have it ({})",
       to_string(kind),
       kind == PatchEmbedKind::volume_884 ? "its windows are cut along other axes than they are arranged"
                                          : "two views");
}

Size3 convolved_size(const Size3& size_dhw, const PlainConv& conv) {
  Size3 out = {};
  for (std::size_t a = 0; a < 3; ++a) {
    const std::int64_t room = size_dhw[a] + 2 * conv.padding_dhw[a] - 3;
    if (room < 0) {
      fail(ErrorCategory::unsupported, "a map of {}x{}x{} is too small for the patch embed's convolutions",
           size_dhw[0], size_dhw[1], size_dhw[2]);
    }
    out[a] = room / conv.stride_dhw[a] + 1;
  }
  return out;
}

Size3 plain_tokens_dhw(PatchEmbedKind kind, const Size3& size_dhw) {
  Size3 size = size_dhw;
  for (const PlainConv& conv : plain_embed(kind).conv_down) size = convolved_size(size, conv);
  return convolved_size(size, plain_embed(kind).ds1);
}

std::vector<PlainScale> plain_scales(const Size3& tokens_dhw, const Size3& merge_dhw, const Size3& pool_dhw) {
  std::int64_t most = 1;
  for (std::size_t a = 0; a < 3; ++a) {
    if (pool_dhw[a] < 2) continue;
    const double times = static_cast<double>(tokens_dhw[a]) / static_cast<double>(merge_dhw[a]);
    const double steps = std::ceil(std::log(times) / std::log(static_cast<double>(pool_dhw[a])));
    most = std::max(most, static_cast<std::int64_t>(steps) + 1);
  }
  std::vector<PlainScale> scales;
  Size3 tokens = tokens_dhw;
  while (static_cast<std::int64_t>(scales.size()) < most) {
    bool cut = true;
    for (std::size_t a = 0; a < 3; ++a) cut = cut && tokens[a] >= merge_dhw[a];
    PlainScale scale{{1, 1, 1}, tokens};
    for (std::size_t a = 0; cut && a < 3; ++a) {
      scale.grid_dhw[a] = tokens[a] / merge_dhw[a];
      scale.window_dhw[a] = merge_dhw[a];
    }
    scales.push_back(scale);
    if (scale.windows() == 1) break;
    for (std::size_t a = 0; a < 3; ++a) tokens[a] /= pool_dhw[a];
  }
  return scales;
}

}  // namespace pillar::bench
