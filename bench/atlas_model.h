// The model and the volume of `pillar-bench atlas`: written once into a folder, read by both sides.
#pragma once

#include "pillar/model/weights.h"
#include "pillar/windows/window.h"

#include "plain_layout.h"

#include <filesystem>
#include <optional>
#include <vector>

namespace pillar::bench {

struct AtlasModel {
  AtlasConfig config;  // with the size asked for; one tower
  PatchEmbedKind kind = PatchEmbedKind::volume_666;
  std::int64_t parameters = 0;
  std::optional<Size3> original_merge_dhw;  // set where merge_ratio was scaled down
};

// `size_dhw` replaces the tower's image_size. Where that leaves fewer scales than stages, merge_ratio is
// scaled in proportion. Random weights go to folder/model, a phantom of that size to
// folder/volume.safetensors. Throws Error(usage | input) where the architecture has several towers, the size
// is above 512 or does not suit it, Error(unsupported) for what plain_embed() does not have and for more
// channels than CT windows.
AtlasModel write_atlas_model(const std::filesystem::path& architecture, const std::optional<Size3>& size_dhw,
                             const std::filesystem::path& folder);

std::filesystem::path model_path(const std::filesystem::path& folder);
at::Tensor load_volume(const std::filesystem::path& folder);  // (1,1,D,H,W) int16
// The first `in_chans` of the named CT windows.
std::vector<Window> atlas_windows(const TowerConfig& tower);

}  // namespace pillar::bench
