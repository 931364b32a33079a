#include "model/atlas/patch_embed_table.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"

#include "core/shared/joined.h"

namespace pillar {
namespace {

struct Named {
  PatchEmbedKind kind;
  const char* name;
  PatchEmbedTable table;
};

// Source: docs/formats.md, "Patch embeds".
const std::vector<Named>& all_kinds() {
  static const std::vector<Named> kinds = {
      {PatchEmbedKind::volume_666, "volume_666", {{{{3, 3, 3}, {0, 0, 0}}, {{1, 1, 1}}}, {{2, 2, 2}}}},
      {PatchEmbedKind::volume_884, "volume_884", {{{{2, 2, 2}}, {{2, 2, 2}}, {{1, 1, 1}}}, {{2, 2, 1}}}},
      {PatchEmbedKind::generic, "generic", {{{{1, 2, 2}}, {{2, 2, 2}}, {{1, 1, 1}}}, {{3, 2, 2}, {0, 1, 1}}}},
      {PatchEmbedKind::brain, "brain", {{{{1, 2, 2}}, {{2, 2, 2}}, {{1, 1, 1}}}, {{2, 2, 2}}}},
      {PatchEmbedKind::breast_mr,
       "breast_mr",
       {{{{2, 2, 2}}, {{1, 2, 2}}, {{1, 1, 1}}}, {{3, 3, 3}, {0, 0, 0}}}},
      {PatchEmbedKind::prostate_mr, "prostate_mr", {{{{1, 3, 3}}, {{1, 2, 2}}, {{1, 2, 2}}}, {{1, 2, 2}}}},
      {PatchEmbedKind::xray, "xray", {{{{1, 2, 2}}, {{1, 2, 2}}, {{1, 2, 2}}}, {{1, 2, 2}}}},
      {PatchEmbedKind::xray_two_view,
       "xray_two_view",
       {{{{1, 2, 2}}, {{1, 2, 2}}, {{1, 2, 2}}}, {{1, 2, 2}}, 2}},
  };
  return kinds;
}

}  // namespace

const PatchEmbedTable& patch_embed_table(PatchEmbedKind kind) {
  return all_kinds()[static_cast<std::size_t>(kind)].table;
}

const char* to_string(PatchEmbedKind kind) noexcept {
  return all_kinds()[static_cast<std::size_t>(kind)].name;
}

PatchEmbedKind parse_patch_embed_kind(std::string_view text) {
  std::vector<std::string> names;
  for (const Named& known : all_kinds()) {
    if (text == known.name) return known.kind;
    names.emplace_back(known.name);
  }
  const std::string nearest = nearest_name(text, names);
  fail(ErrorCategory::usage, "unknown patch embed '{}'{}; known: {}", text,
       nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest), joined(names, ", "));
}

int view_axis(int views, std::int64_t depth) {
  return views > 1 && depth == views ? 2 : 4;
}

Size3 convolved(const Size3& size_dhw, const ConvStep& step) {
  constexpr std::int64_t kKernel = 3;
  Size3 out;
  for (int a = 0; a < 3; ++a) {
    const std::int64_t room = size_dhw[a] + 2 * step.padding_dhw[a] - kKernel;
    out[a] = room < 0 ? 0 : room / step.stride_dhw[a] + 1;
  }
  return out;
}

Size3 embedded_tokens_dhw(PatchEmbedKind kind, const Size3& size_dhw) {
  const PatchEmbedTable& table = patch_embed_table(kind);
  Size3 size = size_dhw;
  size[view_axis(table.views, size[0]) - 2] /= table.views;
  for (const ConvStep& step : table.conv_down) size = convolved(size, step);
  size = convolved(size, table.ds1);
  size[2] *= table.views;
  return size;
}

}  // namespace pillar
