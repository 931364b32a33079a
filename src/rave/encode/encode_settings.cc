#include "rave/encode/encode_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

constexpr const char* kSpacing = "processing.resampling.target_spacing";
constexpr const char* kSizeHw = "processing.crop_pad.size";
constexpr const char* kMode = "mode";

template <typename Values>
std::string list_text(const Values& values) {
  return fmt::format("{}", fmt::join(values, ", "));
}

// Grid and values.
void add_processing(const PreprocessOptions& options, Settings& settings) {
  const PreprocessOptions defaults;
  if (options.target_spacing_xyz_mm) settings[kSpacing] = list_text(*options.target_spacing_xyz_mm);
  if (options.crop_pad_hw) settings[kSizeHw] = list_text(*options.crop_pad_hw);
  if (options.slices) settings["processing.slice_selection.slices"] = std::to_string(*options.slices);
  if (options.normalize_mr != defaults.normalize_mr)
    settings["processing.normalize_mr"] = options.normalize_mr ? "true" : "false";
  if (options.mask != defaults.mask) settings["processing.mask"] = to_string(options.mask);
}

// How it is stored. x265's settings change the voxels of the lossy stream alone.
void add_storage(const SampleWriteOptions& options, Settings& settings) {
  const SampleWriteOptions defaults;
  if (options.mode != defaults.mode) settings[kMode] = to_string(options.mode);
  if (options.archive != defaults.archive) settings["archive"] = to_string(options.archive);
  if (options.mode != SampleMode::rave10) return;
  if (options.crf != defaults.crf) settings["video.crf"] = std::to_string(options.crf);
  if (options.preset != defaults.preset) settings["video.preset"] = options.preset;
  if (options.keyframe_interval != defaults.keyframe_interval)
    settings["video.keyframe_interval"] = std::to_string(options.keyframe_interval);
}

}  // namespace

Settings encode_settings(const SamplePrepareOptions& options) {
  Settings settings = changed_policies(options.reading);
  if (options.config.modality) settings["modality"] = to_string(*options.config.modality);
  if (!options.config.anatomy.empty()) settings["anatomy"] = options.config.anatomy;
  const SamplePrepareOptions defaults;
  const IntensityScale& scale = options.config.intensity;
  if (scale.slope != defaults.config.intensity.slope)
    settings["intensity.slope"] = fmt::format("{}", scale.slope);
  if (scale.offset != defaults.config.intensity.offset)
    settings["intensity.offset"] = fmt::format("{}", scale.offset);
  add_processing(options.config.preprocess, settings);
  add_storage(options.config.write, settings);
  return settings;
}

Settings settings_told_by(const SampleMetadata& metadata, const SamplePrepareOptions& wanted) {
  Settings settings = encode_settings(wanted);
  const bool wants_spacing = wanted.config.preprocess.target_spacing_xyz_mm.has_value();
  const bool was_resampled = metadata.target_spacing_xyz_mm != metadata.original_spacing_xyz_mm;
  if (wants_spacing || was_resampled) settings[kSpacing] = list_text(metadata.target_spacing_xyz_mm);
  settings.erase(kSizeHw);
  if (metadata.crop_pad_target_hw) settings[kSizeHw] = list_text(*metadata.crop_pad_target_hw);
  const SampleMode mode = metadata.mode.value_or(SampleMode::rave10);  // what public samples are
  if (metadata.is_mask) return settings;                               // stored exactly in any mode
  settings.erase(kMode);
  if (mode != SampleWriteOptions{}.mode) settings[kMode] = to_string(mode);
  return settings;
}

}  // namespace pillar
