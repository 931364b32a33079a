// config.json of an Atlas model: stages, width, and one tower a modality (docs/formats.md, "Atlas").
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

class Config;

// Which convolutions turn voxels into tokens. Names of the public code's classes in the comments.
enum class PatchEmbedKind {
  volume_666,    // abdomen CT, chest CT: strides 3, 1; 2
  volume_884,    // chest CT: strides 2, 2, 1; (2,2,1)
  generic,       // strides (1,2,2), 2, 1; (3,2,2)
  brain,         // strides (1,2,2), 2, 1; 2
  breast_mr,     // strides 2, (1,2,2), 1; 3
  prostate_mr,   // strides (1,3,3), (1,2,2), (1,2,2); (1,2,2)
  xray,          // strides (1,2,2) three times; (1,2,2)
  xray_two_view  // the same for two views, put side by side along W
};
const char* to_string(PatchEmbedKind kind) noexcept;
PatchEmbedKind parse_patch_embed_kind(std::string_view text);  // throws Error(usage) with the nearest

// One modality. Axis orders are the file's: image and patch size in H,W,D, the other two in D,H,W.
struct TowerConfig {
  std::string modality;
  std::array<std::int64_t, 3> image_size_hwd = {0, 0, 0};    // voxels
  std::array<std::int64_t, 3> patch_size_hwd = {0, 0, 0};    // voxels a token
  std::int64_t in_chans = 1;                                 // windows
  std::int64_t num_features = 192;                           // width of the stem; dim is twice that
  std::array<std::int64_t, 3> merge_ratio_dhw = {8, 8, 8};   // tokens a window
  std::array<std::int64_t, 3> local2global_dhw = {4, 4, 4};  // max-pool from a scale to the next
  std::optional<PatchEmbedKind> patch_embed;  // key "patch_embed" (ours); unset: inferred from the weights

  std::array<std::int64_t, 3> size_dhw() const {
    return {image_size_hwd[2], image_size_hwd[0], image_size_hwd[1]};
  }
};

struct AtlasConfig {
  std::vector<std::int64_t> stages;  // blocks in each stage
  std::int64_t dim = 384;
  std::int64_t num_heads = 0;
  double mlp_ratio = 4;
  bool qkv_bias = true;
  double drop = 0, attn_drop = 0, drop_path = 0;
  std::vector<TowerConfig> towers;  // in file order

  // Throws Error(usage) for a modality that is not there, listing those that are; an empty name means the
  // only one.
  const TowerConfig& tower(const std::string& modality) const;
  std::int64_t readout_width() const { return static_cast<std::int64_t>(stages.size()) * dim; }
};

// Throws Error(io | input) naming file and key: a missing num_heads, heads that do not divide dim, sizes that
// are no multiple of the patch, windows that do not divide, fewer scales than stages (and what would work).
AtlasConfig load_atlas_config(const std::filesystem::path& config_json);
AtlasConfig parse_atlas_config(const Config& config);
std::string format_atlas_config(const AtlasConfig& config);  // JSON, public keys

// One scale of the token pyramid. The public code cuts windows from the token tensor as it is, and from then
// on arranges them as the configuration says: for the 884 embed these differ, and released weights were
// trained on that.
struct ScaleLayout {
  std::array<std::int64_t, 3> cut_grid;    // windows along D,H,W of the token tensor
  std::array<std::int64_t, 3> cut_window;  // tokens of one window along D,H,W of the token tensor
  std::array<std::int64_t, 3> grid;        // windows along D,H,W by the configuration
  std::array<std::int64_t, 3> window;      // tokens of one window along D,H,W by the configuration
  std::int64_t windows() const { return grid[0] * grid[1] * grid[2]; }
  std::int64_t window_tokens() const { return window[0] * window[1] * window[2]; }
};

}  // namespace pillar
