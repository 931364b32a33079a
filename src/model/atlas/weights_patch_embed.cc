#include "model/atlas/weights_patch_embed.h"

#include "pillar/core/fail.h"
#include "pillar/model/weights.h"

#include "core/shared/joined.h"
#include "model/atlas/patch_embed_table.h"

namespace pillar {
namespace {

constexpr std::array kAllKinds = {PatchEmbedKind::volume_666, PatchEmbedKind::volume_884,
                                  PatchEmbedKind::generic,    PatchEmbedKind::brain,
                                  PatchEmbedKind::breast_mr,  PatchEmbedKind::prostate_mr,
                                  PatchEmbedKind::xray,       PatchEmbedKind::xray_two_view};

struct EmbedShape {
  std::size_t convolutions = 0;
  bool position = false;  // pos_embed
};

EmbedShape shape_of(PatchEmbedKind kind) {
  const PatchEmbedTable& table = patch_embed_table(kind);
  return {table.conv_down.size(), table.views > 1};
}

bool matches_patch_size(PatchEmbedKind kind, const TowerConfig& tower) {
  const PatchEmbedTable& table = patch_embed_table(kind);
  Size3 stride = table.ds1.stride_dhw;
  for (const ConvStep& step : table.conv_down) {
    for (int axis = 0; axis < 3; ++axis) stride[axis] *= step.stride_dhw[axis];
  }
  // The released 884 configurations say [D,H,W] where [H,W,D] is meant; those that were put right say the
  // latter.
  if (kind == PatchEmbedKind::volume_884 && tower.patch_size_hwd == stride) return true;
  return tower.patch_size_hwd == Size3{stride[1], stride[2], stride[0]};
}

// Kinds that share a patch size are told apart by what the modality is called.
bool name_suggests(PatchEmbedKind kind, const std::string& modality) {
  const auto says = [&](const char* word) { return modality.find(word) != std::string::npos; };
  switch (kind) {
    case PatchEmbedKind::volume_884:
      return says("chest");
    case PatchEmbedKind::brain:
      return says("brain") || says("head");
    case PatchEmbedKind::xray_two_view:
      return says("two_view");
    case PatchEmbedKind::xray:
      return (says("xray") || says("cxr")) && !says("two_view");
    default:
      return false;
  }
}

std::string patch_size_text(const TowerConfig& tower) {
  return fmt::format("[{}]", fmt::join(tower.patch_size_hwd, ","));
}

PatchEmbedKind choose(const TowerConfig& tower, const std::vector<PatchEmbedKind>& kinds,
                      const std::string& has) {
  if (kinds.size() == 1) return kinds.front();
  std::vector<PatchEmbedKind> named;
  std::vector<std::string> names;
  for (const PatchEmbedKind kind : kinds.empty() ? std::vector(kAllKinds.begin(), kAllKinds.end()) : kinds) {
    names.emplace_back(to_string(kind));
    if (!kinds.empty() && name_suggests(kind, tower.modality)) named.push_back(kind);
  }
  if (named.size() == 1) return named.front();
  fail(ErrorCategory::input,
       "modality {}: {} patch embed has patch_size {}{}; set \"patch_embed\" in config.json to one of: {}",
       tower.modality, kinds.empty() ? "no" : "more than one", patch_size_text(tower), has,
       joined(names, ", "));
}

EmbedShape shape_in(const WeightMap& weights, const TowerConfig& tower) {
  const std::string prefix = fmt::format("visual.patch_embeds.{}.", tower.modality);
  EmbedShape shape;
  while (weights.count(fmt::format("{}conv_down.{}.weight", prefix, 3 * shape.convolutions)) != 0) {
    ++shape.convolutions;
  }
  shape.position = weights.count(fmt::format("{}pos_embed", prefix)) != 0;
  if (shape.convolutions == 0) {
    fail(ErrorCategory::input, "modality {}: the weights have no {}conv_down.0.weight", tower.modality,
         prefix);
  }
  return shape;
}

std::string shape_text(const EmbedShape& shape) {
  return fmt::format("{} conv_down convolutions{}", shape.convolutions,
                     shape.position ? " and pos_embed" : "");
}

}  // namespace

PatchEmbedKind default_patch_embed(const TowerConfig& tower) {
  if (tower.patch_embed) return *tower.patch_embed;
  std::vector<PatchEmbedKind> fitting;
  for (const PatchEmbedKind kind : kAllKinds) {
    if (matches_patch_size(kind, tower)) fitting.push_back(kind);
  }
  return choose(tower, fitting, "");
}

PatchEmbedKind infer_patch_embed(const TowerConfig& tower, const WeightMap& weights) {
  const EmbedShape held = shape_in(weights, tower);
  const auto fits = [&](PatchEmbedKind kind) {
    const EmbedShape shape = shape_of(kind);
    return shape.convolutions == held.convolutions && shape.position == held.position;
  };
  if (tower.patch_embed) {
    if (fits(*tower.patch_embed)) return *tower.patch_embed;
    fail(ErrorCategory::input, "modality {}: patch_embed {} has {}, the weights have {}", tower.modality,
         to_string(*tower.patch_embed), shape_text(shape_of(*tower.patch_embed)), shape_text(held));
  }
  std::vector<PatchEmbedKind> fitting;
  for (const PatchEmbedKind kind : kAllKinds) {
    if (fits(kind) && matches_patch_size(kind, tower)) fitting.push_back(kind);
  }
  return choose(tower, fitting, fmt::format(" and the weights' {}", shape_text(held)));
}

}  // namespace pillar
