#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/rave/metadata.h"

#include "rave/sample/metadata_keys.h"

#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

// One section of the file; every reader leaves its target alone where the key is absent or null.
class Section {
 public:
  Section(const Json& root, const char* name, const std::filesystem::path& file) : name_(name), file_(file) {
    auto found = root.find(name);
    if (found == root.end() || found->is_null()) return;
    if (!found->is_object()) fail(ErrorCategory::input, "{}: {}: expected an object", file, name);
    object_ = &*found;
  }

  void read(const char* key, std::string& target) const {
    if (const Json* value = find(key)) {
      if (!value->is_string()) wrong(key, "a string");
      target = value->get<std::string>();
    }
  }

  void read(const char* key, bool& target) const {
    if (const Json* value = find(key)) {
      if (!value->is_boolean()) wrong(key, "true or false");
      target = value->get<bool>();
    }
  }

  void read(const char* key, std::int64_t& target) const {
    if (const Json* value = find(key)) target = integer(*value, key);
  }

  void read(const char* key, int& target) const {
    std::int64_t wide = target;
    read(key, wide);
    if (wide < INT32_MIN || wide > INT32_MAX) wrong(key, "a number of at most 32 bits");
    target = static_cast<int>(wide);
  }

  void read(const char* key, double& target) const {
    if (const Json* value = find(key)) target = number(*value, key);
  }

  void read(const char* key, std::vector<std::string>& target) const {
    if (const Json* value = find(key)) {
      if (!value->is_array()) wrong(key, "a list of strings");
      for (const Json& item : *value) {
        if (!item.is_string()) wrong(key, "a list of strings");
        target.push_back(item.get<std::string>());
      }
    }
  }

  void read(const char* key, std::map<std::string, std::string>& target) const {
    if (const Json* value = find(key)) {
      if (!value->is_object()) wrong(key, "an object of texts");
      for (const auto& [name, text] : value->items()) {
        if (!text.is_string()) wrong(key, "an object of texts");
        target[name] = text.get<std::string>();
      }
    }
  }

  void read(const char* key, std::vector<double>& target) const {
    if (const Json* value = find(key)) {
      if (!value->is_array()) wrong(key, "a list of numbers");
      for (const Json& item : *value) target.push_back(number(item, key));
    }
  }

  template <typename T, std::size_t N>
  void read(const char* key, std::array<T, N>& target) const {
    if (const Json* value = find(key)) {
      if (!value->is_array() || value->size() != N) wrong(key, fmt::format("a list of {} numbers", N));
      for (std::size_t i = 0; i < N; ++i) {
        if constexpr (std::is_integral_v<T>) {
          target[i] = integer((*value)[i], key);
        } else {
          target[i] = number((*value)[i], key);
        }
      }
    }
  }

  template <typename T>
  void read(const char* key, std::optional<T>& target) const {
    if (find(key) == nullptr) return;
    T value = {};
    read(key, value);
    target = value;
  }

  const Json* find(const char* key) const {
    if (object_ == nullptr) return nullptr;
    auto found = object_->find(key);
    return found == object_->end() || found->is_null() ? nullptr : &*found;
  }

  [[noreturn]] void wrong(const char* key, std::string_view expected) const {
    fail(ErrorCategory::input, "{}: {}.{}: expected {}", file_, name_, key, expected);
  }

 private:
  std::int64_t integer(const Json& value, const char* key) const {
    if (!value.is_number()) wrong(key, "a number");
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX)
      wrong(key, "a number of at most 63 bits");
    if (value.is_number_integer()) return value.get<std::int64_t>();
    double real = value.get<double>();
    if (real != std::floor(real) || std::abs(real) > 9e15) wrong(key, "a whole number");
    return static_cast<std::int64_t>(real);
  }

  double number(const Json& value, const char* key) const {
    if (!value.is_number()) wrong(key, "a number");
    return value.get<double>();
  }

  const char* name_;
  const std::filesystem::path& file_;
  const Json* object_ = nullptr;
};

// Any of CT, MR, MRI; what else there is (a mask's SEG, say) is an error that names the key.
void read_modality(const Section& section, Modality& target) {
  std::string text;
  section.read("modality", text);
  if (text.empty()) return;
  try {
    target = parse_modality(text);
  } catch (const Error&) {
    section.wrong("modality", "CT or MR");
  }
}

void read_geometry(const Section& exported, const std::filesystem::path& file,
                   std::optional<Geometry>& target) {
  const Json* value = exported.find("geometry");
  if (value == nullptr) return;
  Json wrapped = {{"export_info.geometry", *value}};
  Section geometry(wrapped, "export_info.geometry", file);
  Geometry result;
  geometry.read("origin", result.origin_xyz_mm);
  geometry.read("direction", result.direction);
  geometry.read("spacing", result.spacing_xyz_mm);
  for (double spacing : result.spacing_xyz_mm) {
    if (!(spacing > 0)) geometry.wrong("spacing", "positive numbers");
  }
  target = result;
}

void check_shape(const Section& section, const char* key, const SizeDhw& shape) {
  for (std::int64_t side : shape) {
    if (side < 0) section.wrong(key, "sizes that are not negative");
  }
}

void read_processing(const Section& section, SampleMetadata& metadata) {
  section.read("anatomy", metadata.anatomy);
  section.read("original_spacing", metadata.original_spacing_xyz_mm);
  section.read("target_spacing", metadata.target_spacing_xyz_mm);
  section.read("original_shape", metadata.original_shape);
  section.read("final_shape", metadata.final_shape);
  check_shape(section, "original_shape", metadata.original_shape);
  check_shape(section, "final_shape", metadata.final_shape);
  section.read("crop_pad_target", metadata.crop_pad_target_hw);
  section.read("excluded_slice_count", metadata.excluded_slice_count);
  section.read("image_orientation_patient", metadata.image_orientation_patient);
  section.read("orientation", metadata.orientation);
  section.read("is_mask", metadata.is_mask);
  section.read("resample_shape", metadata.resample_shape);
  section.read("filled_positions_mm", metadata.filled_positions_mm);
  section.read("slice_positions_mm", metadata.slice_positions_mm);
  section.read("gantry_tilt_corrected_deg", metadata.gantry_tilt_corrected_deg);
  std::vector<std::string> warnings;
  section.read("warnings", warnings);
  metadata.notes = Notes(std::move(warnings));
}

void read_export(const Section& section, SampleMetadata& metadata) {
  std::string mode;
  section.read("mode", mode);
  if (!mode.empty()) {
    try {
      metadata.mode = parse_sample_mode(mode);
    } catch (const Error&) {
      section.wrong("mode", "rave10 or lossless");
    }
  }
  section.read("bit_depth", metadata.bit_depth);
  section.read("crf", metadata.crf);
  section.read("gop_size", metadata.gop_size);
  section.read("codec", metadata.codec);
  section.read("archived", metadata.archived);
  section.read("code_offset", metadata.code_offset);
  section.read("dtype", metadata.dtype);
  if (!metadata.dtype.empty() && metadata.dtype != "int16" && metadata.dtype != "uint16") {
    section.wrong("dtype", "int16 or uint16");
  }
}

// A record without a content is none: nothing could be compared with it.
std::optional<SampleRecord> read_record(const Section& section) {
  SampleRecord record;
  section.read("sample_name", record.sample_name);
  section.read("source", record.source.source);
  section.read("content", record.source.content);
  section.read("settings", record.settings);
  if (!record.source.is_known()) return std::nullopt;
  return record;
}

}  // namespace

const char* to_string(SampleMode mode) noexcept {
  return mode == SampleMode::rave10 ? "rave10" : "lossless";
}

SampleMode parse_sample_mode(std::string_view text) {
  if (text == "rave10") return SampleMode::rave10;
  if (text == "lossless") return SampleMode::lossless;
  fail(ErrorCategory::usage, "unknown mode '{}'; rave10 or lossless", text);
}

SampleMetadata parse_metadata(std::string_view json, const std::filesystem::path& file) {
  Json root;
  try {
    root = Json::parse(json);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCategory::input, "{}: not JSON: {}", file, printable(error.what(), 300));
  }
  if (!root.is_object()) fail(ErrorCategory::input, "{}: expected a JSON object", file);
  SampleMetadata metadata;
  metadata.original_json = json;
  const Section series(root, section::series, file);
  const Section processing(root, section::processing, file);
  const Section exported(root, section::exported, file);
  const Section source(root, section::source, file);
  series.read("accession", metadata.accession);
  series.read("series_number", metadata.series_number);
  series.read("series_uid", metadata.series_uid);
  series.read("series_description", metadata.series_description);
  series.read("slice_count", metadata.source_slice_count);
  series.read("volume_index", metadata.volume_index);
  series.read("volume_key", metadata.volume_key);
  read_modality(processing, metadata.modality);
  read_modality(series, metadata.modality);  // where both say it, the series is right
  read_processing(processing, metadata);
  read_export(exported, metadata);
  read_geometry(exported, file, metadata.geometry);
  source.read("dicom_directory", metadata.source_directory);
  metadata.record = read_record(Section(root, section::identity, file));
  return metadata;
}

}  // namespace pillar
