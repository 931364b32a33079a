#include "pillar/core/fail.h"
#include "pillar/rave/metadata.h"

#include "rave/sample/metadata_keys.h"

#include <cmath>

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

constexpr const char* kLayoutVersion = "1.1";  // of the published metadata.json that this follows

// Sets keys of one section. In a file that is written again, a key that was not there and has nothing to say
// stays out.
class SectionWriter {
 public:
  SectionWriter(Json& root, const char* name, bool is_new) : object_(root[name]), is_new_(is_new) {
    if (!object_.is_object()) object_ = Json::object();
  }

  template <typename T>
  void set(const char* key, const T& value) {
    if (is_new_ || object_.contains(key) || value != T{}) object_[key] = value;
  }

  template <typename T>
  void set(const char* key, const std::optional<T>& value) {
    if (value) {
      object_[key] = *value;
    } else if (object_.contains(key)) {
      object_[key] = nullptr;
    }
  }

  void set_if_any(const char* key, const Json& list) {
    if (!list.empty() || object_.contains(key)) object_[key] = list;
  }

  bool contains(const char* key) const { return object_.contains(key); }
  void erase(const char* key) { object_.erase(key); }

 private:
  Json& object_;
  bool is_new_;
};

void write_series(SectionWriter series, const SampleMetadata& metadata) {
  series.set("accession", metadata.accession);
  series.set("series_number", metadata.series_number);
  series.set("series_uid", metadata.series_uid);
  series.set("series_description", metadata.series_description);
  series.set("modality", std::string(to_string(metadata.modality)));
  series.set("slice_count", metadata.source_slice_count);
  if (!metadata.volume_key.empty()) {
    series.set("volume_index", metadata.volume_index);
    series.set("volume_key", metadata.volume_key);
  }
}

void write_processing(SectionWriter processing, const SampleMetadata& metadata) {
  const bool ct = metadata.modality == Modality::ct;
  processing.set("modality", std::string(to_string(metadata.modality)));
  processing.set("anatomy", metadata.anatomy);
  processing.set("original_spacing", metadata.original_spacing_xyz_mm);
  processing.set("target_spacing", metadata.target_spacing_xyz_mm);
  processing.set("original_shape", metadata.original_shape);
  processing.set("final_shape", metadata.final_shape);
  processing.set("crop_pad_target", metadata.crop_pad_target_hw);
  processing.set("slice_count", metadata.final_shape[0]);
  processing.set("excluded_slice_count", metadata.excluded_slice_count);
  processing.set("value_range", std::string(ct ? "raw_hounsfield_units" : "raw_signal_intensity"));
  processing.set("series_uid", metadata.series_uid);
  processing.set("image_orientation_patient", metadata.image_orientation_patient);
  processing.set("orientation", metadata.orientation);
  if (!ct || metadata.is_mask) processing.set("is_mask", metadata.is_mask);
  processing.set("resample_shape", metadata.resample_shape);
  processing.set_if_any("filled_positions_mm", metadata.filled_positions_mm);
  processing.set_if_any("slice_positions_mm", metadata.slice_positions_mm);
  processing.set("gantry_tilt_corrected_deg", metadata.gantry_tilt_corrected_deg);
  processing.set_if_any("warnings", metadata.notes.lines());
}

std::string encoder_name(const std::string& codec) {
  std::string name = codec;
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return name;
}

// How many codes the published HU range is spread over, 0 where codes are not HU of that range. Lossless
// codes that count from -1024 are: the public loader reads them within 1 HU.
int hu_levels(const SampleMetadata& metadata) {
  if (!metadata.mode || metadata.modality != Modality::ct) return 0;
  if (*metadata.mode == SampleMode::rave10) return 1024;
  return metadata.codec == "LIBX265" && metadata.code_offset == -1024 ? 4096 : 0;
}

void write_export(SectionWriter exported, const SampleMetadata& metadata) {
  const bool video = metadata.codec != "NPY";
  exported.set("format", std::string(video ? "video" : "npy"));
  exported.set("encoder", encoder_name(metadata.codec));
  exported.set("codec", metadata.codec);
  exported.set("bit_depth", metadata.bit_depth);
  exported.set("crf", metadata.crf);
  exported.set("gop_size", metadata.gop_size);
  exported.set("archived", metadata.archived);
  if (const int levels = hu_levels(metadata); levels > 0) {
    exported.set("hu_mapping", Json{{"min", -1024}, {"max", 3071}, {"output_range", {0, levels - 1}}});
  } else if (metadata.mode) {
    exported.erase("hu_mapping");  // of the sample that this one was made from
  }
  if (!exported.contains("exporter_version")) exported.set("exporter_version", std::string(kLayoutVersion));
  exported.set("hardware_accelerated", false);
  if (!metadata.mode) return;  // a public sample: what follows is ours
  exported.set("mode", std::string(to_string(*metadata.mode)));
  if (*metadata.mode == SampleMode::lossless) {
    exported.set("code_offset", metadata.code_offset);
    exported.set("dtype", metadata.dtype);
  } else {
    exported.erase("code_offset");
    exported.erase("dtype");
  }
}

void write_geometry(SectionWriter exported, const std::optional<Geometry>& geometry) {
  if (!geometry) return;
  exported.set("geometry", Json{{"origin", geometry->origin_xyz_mm},
                                {"direction", geometry->direction},
                                {"spacing", geometry->spacing_xyz_mm}});
}

void write_record(SectionWriter section, const SampleRecord& record) {
  section.set("sample_name", record.sample_name);
  section.set("source", record.source.source);
  section.set("content", record.source.content);
  section.set("settings", record.settings);
}

}  // namespace

std::string format_metadata(const SampleMetadata& metadata) {
  const bool is_new = metadata.original_json.empty();
  Json root = is_new ? Json::object() : Json::parse(metadata.original_json);
  write_series(SectionWriter(root, section::series, is_new), metadata);
  write_processing(SectionWriter(root, section::processing, is_new), metadata);
  write_export(SectionWriter(root, section::exported, is_new), metadata);
  write_geometry(SectionWriter(root, section::exported, is_new), metadata.geometry);
  if (is_new || !metadata.source_directory.empty()) {
    SectionWriter(root, section::source, is_new).set("dicom_directory", metadata.source_directory);
  }
  if (metadata.record) write_record(SectionWriter(root, section::identity, is_new), *metadata.record);
  std::string text = root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (text.find("\xEF\xBF\xBD") != std::string::npos) {
    spdlog::warn("metadata of {}: bytes that are no UTF-8 were replaced by U+FFFD", metadata.accession);
  }
  return text;
}

std::string orientation_name(const Geometry& geometry) {
  const auto normal = geometry.axis(2);
  const double x = std::abs(normal[0]), y = std::abs(normal[1]), z = std::abs(normal[2]);
  if (z >= x && z >= y) return "AXIAL";
  return y >= x ? "CORONAL" : "SAGITTAL";
}

}  // namespace pillar
