#include "atlas_model.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/safetensors.h"
#include "pillar/phantom/phantom.h"

#include <algorithm>

#include <fmt/format.h>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSeed = 1;
constexpr std::int64_t kSmallestPhantom = 16, kLargestPhantom = 512;

std::string times(const Size3& size) {
  return fmt::format("{}x{}x{}", size[0], size[1], size[2]);
}

bool scales_suffice(const AtlasConfig& config) {
  const TowerConfig& tower = config.towers[0];
  const Size3& patch_hwd = tower.patch_size_hwd;
  Size3 tokens = tower.size_dhw();
  const Size3 patch = {patch_hwd[2], patch_hwd[0], patch_hwd[1]};
  for (std::size_t a = 0; a < 3; ++a) tokens[a] /= patch[a];
  return plain_scales(tokens, tower.merge_ratio_dhw, tower.local2global_dhw).size() >= config.stages.size();
}

void scale_merge_ratio(TowerConfig& tower, const Size3& from, const Size3& to) {
  for (std::size_t a = 0; a < 3; ++a) {
    const std::int64_t scaled = tower.merge_ratio_dhw[a] * to[a];
    if (scaled % from[a] != 0 || scaled < from[a]) {
      fail(ErrorCategory::usage,
           "--size {}: leaves fewer scales than stages, and merge_ratio {} cannot be scaled "
           "from {} to {} voxels",
           times(to), tower.merge_ratio_dhw[a], from[a], to[a]);
    }
    tower.merge_ratio_dhw[a] = scaled / from[a];
  }
}

void resize(AtlasModel& model, const Size3& size) {
  TowerConfig& tower = model.config.towers[0];
  const Size3 original = tower.size_dhw(), merge = tower.merge_ratio_dhw;
  tower.image_size_hwd = {size[1], size[2], size[0]};
  if (scales_suffice(model.config)) return;
  scale_merge_ratio(tower, original, size);
  model.original_merge_dhw = merge;
}

// A phantom's middle: phantoms are cubes.
at::Tensor make_volume(const Size3& size) {
  PhantomOptions options;
  options.size = std::max(kSmallestPhantom, *std::max_element(size.begin(), size.end()));
  if (options.size > kLargestPhantom) {
    fail(ErrorCategory::usage, "{} voxels: phantoms have at most {} a side", times(size), kLargestPhantom);
  }
  at::Tensor voxels = make_phantom(kSeed, options).volume.voxels_dhw;
  for (std::size_t a = 0; a < 3; ++a)
    voxels = voxels.narrow(static_cast<std::int64_t>(a), (options.size - size[a]) / 2, size[a]);
  return voxels.contiguous();
}

std::int64_t count_parameters(const AtlasModel& model, const WeightMap& weights) {
  std::int64_t sum = weights.at("logit_scale").numel();
  for (const WeightSpec& spec : expected_weights(model.config, model.config.towers[0], model.kind)) {
    if (spec.kind == ParameterKind::trainable) sum += weights.at(spec.name).numel();
  }
  return sum;
}

}  // namespace

AtlasModel write_atlas_model(const fs::path& architecture, const std::optional<Size3>& size_dhw,
                             const fs::path& folder) {
  AtlasModel model;
  model.config = load_atlas_config(architecture);
  model.config.towers = {model.config.tower("")};
  TowerConfig& tower = model.config.towers[0];
  atlas_windows(tower);  // refuses before anything is made
  if (size_dhw) resize(model, *size_dhw);
  const std::string json = format_atlas_config(model.config);
  parse_atlas_config(
      Config::parse(json, fmt::format("{} at {}", architecture.string(), times(tower.size_dhw()))));
  const WeightMap weights = random_weights(model.config, kSeed);
  model.kind = infer_patch_embed(tower, weights);
  plain_embed(model.kind);
  model.parameters = count_parameters(model, weights);
  const at::Tensor volume = make_volume(tower.size_dhw());
  write_checkpoint(model_path(folder), json, weights);
  write_safetensors(folder / "volume.safetensors", {{"volume", volume}});
  return model;
}

fs::path model_path(const fs::path& folder) {
  return folder / "model";
}

at::Tensor load_volume(const fs::path& folder) {
  return SafetensorsFile(folder / "volume.safetensors").tensor("volume").unsqueeze(0).unsqueeze(0);
}

std::vector<Window> atlas_windows(const TowerConfig& tower) {
  std::vector<Window> windows = known_windows(WindowFamily::ct);
  if (tower.in_chans < 1 || tower.in_chans > static_cast<std::int64_t>(windows.size())) {
    fail(ErrorCategory::unsupported, "modality {}: {} channels; there are {} CT windows", tower.modality,
         tower.in_chans, windows.size());
  }
  windows.resize(static_cast<std::size_t>(tower.in_chans));
  return windows;
}

}  // namespace pillar::bench
