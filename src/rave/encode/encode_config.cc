#include "pillar/rave/encode_config.h"

#include "pillar/core/fail.h"

#include "core/shared/joined.h"

#include <algorithm>
#include <cmath>

namespace pillar {
namespace {

struct Preset {
  const char* name;
  const char* yaml;
};

// Grids of the paper's models (docs/formats.md, "Presets").
constexpr Preset kPresets[] = {
    {"chest-ct",
     "modality: CT\nanatomy: chest\nprocessing:\n  resampling: {target_spacing: [1.25, 1.25, 1.25]}\n"
     "  crop_pad: {size: [256, 256]}\n  slice_selection: {enabled: true, slices: 256}\n"},
    {"abdomen-ct",
     "modality: CT\nanatomy: abdomen\nprocessing:\n  resampling: {target_spacing: [1.5, 1.5, 1.5]}\n"
     "  crop_pad: {size: [384, 384]}\n  slice_selection: {enabled: true, slices: 384}\n"},
    {"head-ct",
     "modality: CT\nanatomy: head\nprocessing:\n  resampling: {target_spacing: [0.5, 0.5, 1.25]}\n"
     "  crop_pad: {size: [512, 512]}\n  slice_selection: {enabled: true, slices: 128}\n"},
    {"breast-mr",
     "modality: MR\nanatomy: breast\nprocessing:\n  resampling: {target_spacing: [1.0, 1.0, 1.0]}\n"
     "  crop_pad: {size: [384, 384]}\n  slice_selection: {enabled: true, slices: 192}\n"},
    {"none", "processing: {normalize_mr: false}\n"},
};

const std::vector<std::string> kTopKeys = {"modality", "anatomy", "processing", "exporter_config",
                                           "mode",     "archive", "video",      "intensity"};
const std::vector<std::string> kProcessingKeys = {"resampling", "crop_pad", "slice_selection", "normalize_mr",
                                                  "mask"};

// The public engine's files carry keys of parts that do not exist here; a misspelt key of ours is still an
// error.
void check_keys(const Config& node, const std::vector<std::string>& known, bool lenient, Notes& notes) {
  if (!node.exists()) return;
  if (!lenient) {
    node.allow_only(known);
    return;
  }
  for (const std::string& key : node.keys()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    if (!nearest_name(key, known).empty()) node.allow_only(known);
    notes.add(fmt::format("{}: ignored, nothing here reads it", node.get(key).where()));
  }
}

std::int64_t positive(const Config& node, std::int64_t value) {
  if (value <= 0) node.fail(fmt::format("must be positive, not {}", value));
  return value;
}

bool enabled(const Config& section) {
  return section.exists() && section.get("enabled").as_bool(true);
}

void read_processing(const Config& node, bool lenient, PreprocessOptions& options, Notes& notes) {
  check_keys(node, kProcessingKeys, lenient, notes);
  const Config resampling = node.get("resampling");
  check_keys(resampling, {"enabled", "target_spacing"}, lenient, notes);
  if (enabled(resampling)) {
    const Config spacing = resampling.get("target_spacing");
    const std::vector<double> values = spacing.as_doubles(3);
    for (double value : values) {
      if (!(value > 0) || !std::isfinite(value))
        spacing.fail(fmt::format("spacings are positive millimetres, not {}", value));
    }
    options.target_spacing_xyz_mm = {values[0], values[1], values[2]};
  }
  const Config crop_pad = node.get("crop_pad");
  check_keys(crop_pad, {"enabled", "size"}, lenient, notes);
  if (enabled(crop_pad)) {
    const Config size = crop_pad.get("size");
    const std::vector<std::int64_t> values = size.as_ints(2);
    options.crop_pad_hw = {positive(size, values[0]), positive(size, values[1])};
  }
  const Config selection = node.get("slice_selection");
  check_keys(selection, {"enabled", "slices"}, lenient, notes);
  if (enabled(selection))
    options.slices = positive(selection.get("slices"), selection.get("slices").as_int());

  options.normalize_mr = node.get("normalize_mr").as_bool(options.normalize_mr);
  const Config mask = node.get("mask");
  const std::string policy = mask.as_string("detect");
  if (policy == "detect") {
    options.mask = MaskPolicy::detect;
  } else if (policy == "yes" || policy == "true") {
    options.mask = MaskPolicy::yes;
  } else if (policy == "no" || policy == "false") {
    options.mask = MaskPolicy::no;
  } else {
    mask.fail(fmt::format("detect, yes or no, not '{}'", policy));
  }
}

void read_video(const Config& node, SampleWriteOptions& options) {
  if (!node.exists()) return;
  node.allow_only({"crf", "preset", "keyframe_interval"});
  const Config crf = node.get("crf");
  options.crf = static_cast<int>(crf.as_int(options.crf));
  if (options.crf < 0 || options.crf > 51) crf.fail(fmt::format("0 to 51, not {}", options.crf));
  options.preset = node.get("preset").as_string(options.preset);
  const std::vector<std::string> presets = {"ultrafast", "superfast", "veryfast", "faster",  "fast",
                                            "medium",    "slow",      "slower",   "veryslow"};
  if (std::find(presets.begin(), presets.end(), options.preset) == presets.end()) {
    node.get("preset").fail(
        fmt::format("unknown x265 preset '{}'; one of {}", options.preset, fmt::join(presets, ", ")));
  }
  const Config interval = node.get("keyframe_interval");
  options.keyframe_interval =
      static_cast<int>(positive(interval, interval.as_int(options.keyframe_interval)));
}

double finite(const Config& node, double otherwise) {
  const double value = node.as_double(otherwise);
  if (!std::isfinite(value)) node.fail(fmt::format("must be a number, not {}", value));
  return value;
}

template <typename Parse>
auto parse_value(const Config& node, Parse parse) {
  try {
    return parse(node.as_string());
  } catch (const Error& error) {
    if (error.category() != ErrorCategory::usage) throw;
    node.fail(error.what());
  }
}

void read_intensity(const Config& node, bool lenient, EncodeConfig& result, Notes& notes) {
  check_keys(node, {"slope", "offset", "check"}, lenient, notes);
  result.intensity.slope = finite(node.get("slope"), 1);
  if (result.intensity.slope == 0) node.get("slope").fail("0 would make all values one");
  result.intensity.offset = finite(node.get("offset"), 0);
  if (node.get("check").exists())
    result.values = parse_value(node.get("check"), [](auto t) { return parse_value_policy(t); });
}

}  // namespace

std::vector<std::string> encode_preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) names.emplace_back(preset.name);
  return names;
}

Config encode_preset(std::string_view name) {
  for (const Preset& preset : kPresets) {
    if (name == preset.name) return Config::parse(preset.yaml, fmt::format("preset {}", name));
  }
  const std::string near = nearest_name(name, encode_preset_names());
  fail(ErrorCategory::usage, "unknown preset '{}'; {}one of {}", name,
       near.empty() ? "" : fmt::format("did you mean '{}'? ", near), joined(encode_preset_names(), ", "));
}

EncodeConfig parse_encode_config(const Config& config, Notes& notes) {
  EncodeConfig result;
  const Config exporter = config.get("exporter_config");
  const bool public_file = exporter.exists();
  check_keys(config, kTopKeys, public_file, notes);
  if (config.get("modality").exists())
    result.modality = parse_value(config.get("modality"), [](auto t) { return parse_modality(t); });
  result.anatomy = config.get("anatomy").as_string("");
  read_processing(config.get("processing"), public_file, result.preprocess, notes);
  read_intensity(config.get("intensity"), public_file, result, notes);
  if (public_file) {
    const std::string name = exporter.as_string();
    if (name != "video_hevc")
      exporter.fail(fmt::format("the exporter known here is video_hevc, not '{}'", name));
    result.write.mode = SampleMode::rave10;
  }
  if (config.get("mode").exists())
    result.write.mode = parse_value(config.get("mode"), [](auto t) { return parse_sample_mode(t); });
  if (config.get("archive").exists())
    result.write.archive = parse_value(config.get("archive"), [](auto t) { return parse_archive(t); });
  read_video(config.get("video"), result.write);
  return result;
}

}  // namespace pillar
