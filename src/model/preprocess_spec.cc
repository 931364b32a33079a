#include "pillar/model/preprocess_spec.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

// Grids of the public presets (docs/formats.md, "Presets"); the first whose word is in the tower's name.
struct NamedGrid {
  std::string_view word;
  std::array<double, 3> spacing_xyz_mm;
};
constexpr NamedGrid kCtGrids[] = {{"abdomen", {1.5, 1.5, 1.5}},
                                  {"chest", {1.25, 1.25, 1.25}},
                                  {"brain", {0.5, 0.5, 1.25}},
                                  {"head", {0.5, 0.5, 1.25}}};
constexpr NamedGrid kMrGrids[] = {{"breast", {1, 1, 1}}};

const std::vector<std::string> kKeys = {
    "target_spacing_xyz_mm", "size_dhw",  "pad_value", "axes", "flip_depth", "windows",
    "normalisation",         "intensity", "family"};

std::optional<WindowFamily> parse_family(std::string_view text) {
  if (text == "ct") return WindowFamily::ct;
  if (text == "mr") return WindowFamily::mr;
  if (text == "xray") return WindowFamily::xray;
  return std::nullopt;
}

// "chest_xray" is X-ray, "brain_mri" MR, "chest_ct" CT.
std::optional<WindowFamily> family_of_name(std::string_view name) {
  const auto has = [name](std::string_view word) { return name.find(word) != std::string_view::npos; };
  if (has("xray") || has("x_ray") || has("x-ray") || has("cxr")) return WindowFamily::xray;
  if (has("mr")) return WindowFamily::mr;
  if (has("ct")) return WindowFamily::ct;
  return std::nullopt;
}

std::optional<std::array<double, 3>> spacing_of_name(std::string_view name, WindowFamily family) {
  const auto find = [name](std::span<const NamedGrid> grids) -> std::optional<std::array<double, 3>> {
    for (const NamedGrid& grid : grids) {
      if (name.find(grid.word) != std::string_view::npos) return grid.spacing_xyz_mm;
    }
    return std::nullopt;
  };
  if (family == WindowFamily::ct) return find(kCtGrids);
  if (family == WindowFamily::mr) return find(kMrGrids);
  return std::nullopt;
}

PreprocessSpec defaults(const std::string& modality, WindowFamily family, const SizeDhw& tower_size_dhw) {
  PreprocessSpec spec;
  spec.modality = modality;
  spec.family = family;
  spec.size_dhw = tower_size_dhw;
  spec.target_spacing_xyz_mm = spacing_of_name(modality, family);
  if (family != WindowFamily::xray) return spec;
  spec.intensity = IntensityMap::native;
  spec.axes.reset();  // a projection has no slices to bring anywhere
  return spec;
}

void read_sizes(const Config& block, PreprocessSpec& spec) {
  const Config spacing = block.get("target_spacing_xyz_mm");
  if (spacing.exists()) {
    const std::vector<double> mm = spacing.as_doubles(3);
    if (!std::all_of(mm.begin(), mm.end(), [](double value) { return value > 0; }))
      spacing.fail("spacings are positive millimetres");
    spec.target_spacing_xyz_mm = {mm[0], mm[1], mm[2]};
  }
  const Config size = block.get("size_dhw");
  if (!size.exists()) return;
  const std::vector<std::int64_t> voxels = size.as_ints(3);
  if (SizeDhw{voxels[0], voxels[1], voxels[2]} != spec.size_dhw) {
    size.fail(fmt::format("{} voxels, but the tower takes {}", fmt::join(voxels, "x"),
                          fmt::join(spec.size_dhw, "x")));
  }
}

// What `parse` throws for a flag becomes a fault of the key.
template <typename Parse>
auto parse_key(const Config& key, const Parse& parse) {
  try {
    return parse(key.as_string());
  } catch (const Error& error) {
    if (error.category() != ErrorCategory::usage) throw;
    key.fail(error.what());
  }
}

PreprocessSpec parse_block(const Config& block, const std::string& modality, const SizeDhw& tower_size_dhw) {
  block.allow_only(kKeys);
  std::optional<WindowFamily> family = family_of_name(modality);
  const Config named = block.get("family");
  if (named.exists()) {
    family = parse_family(named.as_string());
    if (!family) named.fail(fmt::format("ct, mr or xray, not '{}'", named.as_string()));
  }
  if (!family) block.fail("the name says neither ct, mr nor xray: add the key family");

  PreprocessSpec spec = defaults(modality, *family, tower_size_dhw);
  spec.origin = fmt::format("config.json, {}", modality);
  read_sizes(block, spec);
  spec.pad_value = block.get("pad_value").as_double(spec.pad_value);
  spec.flip_depth = block.get("flip_depth").as_bool(spec.flip_depth);
  spec.normalisation = block.get("normalisation").as_string(spec.normalisation);
  if (spec.normalisation != "none") block.get("normalisation").fail("only none is known here");
  spec.windows = block.get("windows").as_string(spec.windows);
  const Config intensity = block.get("intensity"), axes = block.get("axes");
  if (intensity.exists()) spec.intensity = parse_key(intensity, parse_intensity_map);
  if (axes.exists()) spec.axes = parse_key(axes, parse_model_axes);
  return spec;
}

}  // namespace

const char* to_string(IntensityMap map) noexcept {
  return map == IntensityMap::rave10 ? "rave10" : "native";
}

IntensityMap parse_intensity_map(std::string_view text) {
  if (text == "rave10") return IntensityMap::rave10;
  if (text == "native") return IntensityMap::native;
  fail(ErrorCategory::usage, "unknown intensity '{}'; rave10 or native", text);
}

std::optional<BodyAxes> parse_model_axes(std::string_view text) {
  if (text == "stored") return std::nullopt;
  return parse_body_axes(text);
}

PreprocessSpec default_preprocess_spec(const std::string& modality, const SizeDhw& tower_size_dhw) {
  const std::optional<WindowFamily> family = family_of_name(modality);
  if (!family) {
    fail(ErrorCategory::usage,
         "no public preprocessing is known for '{}', whose name says neither ct, mr nor xray: add "
         "preprocess.{} to config.json",
         modality, modality);
  }
  PreprocessSpec spec = defaults(modality, *family, tower_size_dhw);
  spec.origin = fmt::format("public defaults of {}", modality);
  return spec;
}

PreprocessSpec parse_preprocess_spec(const Config& config, const std::string& modality,
                                     const SizeDhw& tower_size_dhw) {
  const Config all = config.get("preprocess");
  if (all.exists() && !all.is_map()) all.fail("expected one block for each modality");
  const Config block = all.get(modality);
  if (!block.exists()) {
    PreprocessSpec spec = default_preprocess_spec(modality, tower_size_dhw);
    spec.origin = fmt::format("config.json has no preprocess block{}: {}",
                              all.exists() ? fmt::format(" of {}", modality) : "", spec.origin);
    return spec;
  }
  if (!block.is_map()) block.fail("expected keys and values");
  return parse_block(block, modality, tower_size_dhw);
}

std::string describe(const PreprocessSpec& spec) {
  const std::string spacing = spec.target_spacing_xyz_mm
                                  ? fmt::format("{} mm", fmt::join(*spec.target_spacing_xyz_mm, "x"))
                                  : "any spacing";
  return fmt::format(
      "{} voxels (D,H,W) of {}, pad {}, {}, axes {}, windows {}, intensity {}", fmt::join(spec.size_dhw, "x"),
      spacing, spec.pad_value, spec.flip_depth ? "flipped along D" : "not flipped",
      spec.axes ? to_letters(*spec.axes) : "as stored", spec.windows, to_string(spec.intensity));
}

}  // namespace pillar
