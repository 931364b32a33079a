// metadata.json of a RAVE sample: the public engine's keys, ours beside them, unknown ones kept.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/image/source_identity.h"
#include "pillar/image/volume.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

enum class SampleMode {
  rave10,    // the published lossy 10-bit stream
  lossless,  // every voxel comes back as it was
};
const char* to_string(SampleMode mode) noexcept;
SampleMode parse_sample_mode(std::string_view text);  // throws Error(usage)

// What a sample knows of itself (ours): what it is called, what it was made of, and how.
struct SampleRecord {
  std::string sample_name;                      // in manifest.csv; it stays what it was at first
  SourceIdentity source;                        // of the scan
  std::map<std::string, std::string> settings;  // that made it, but for those at their defaults
};

struct SampleMetadata {
  // series_info
  std::string accession;
  std::int64_t series_number = 0;
  std::string series_uid;
  std::string series_description;
  Modality modality = Modality::ct;
  std::int64_t source_slice_count = 0;
  int volume_index = 0;  // among the volumes of its series, from 0 (ours)
  std::string
      volume_key;  // what tells it from the others, such as "EchoTime 4.6"; empty for a single one (ours)

  // processing_metadata
  std::string anatomy;
  std::array<double, 3> original_spacing_xyz_mm = {0, 0, 0};
  std::array<double, 3> target_spacing_xyz_mm = {0, 0, 0};
  SizeDhw original_shape = {0, 0, 0};
  SizeDhw final_shape = {0, 0, 0};
  std::optional<std::array<std::int64_t, 2>> crop_pad_target_hw;
  std::int64_t excluded_slice_count = 0;
  std::optional<std::array<double, 6>> image_orientation_patient;
  std::string orientation;  // AXIAL, CORONAL, SAGITTAL: of the slice normal
  bool is_mask = false;     // written for MR
  std::optional<SizeDhw> resample_shape;
  std::vector<double> filled_positions_mm;  // slices made by interpolation (ours)
  std::vector<double> slice_positions_mm;   // of the source along its stack, where they are uneven (ours)
  std::optional<double> gantry_tilt_corrected_deg;  // (ours)
  Notes notes;                                      // what was odd in the source; key "warnings" (ours)

  // export_info
  std::optional<SampleMode> mode;  // ours; unset in public samples, which are rave10 where they are video
  int bit_depth = 0;
  int crf = 0;
  int gop_size = 0;
  std::string codec;  // "LIBX265", "FFV1", "NPY"
  bool archived = false;
  std::int64_t code_offset = 0;      // lossless video: value = code + code_offset (ours)
  std::string dtype;                 // "int16" or "uint16" (ours)
  std::optional<Geometry> geometry;  // of the stored grid (ours)

  std::string source_directory;  // source_data.dicom_directory; empty unless asked for

  std::optional<SampleRecord> record;  // section "identity"; unset in public samples and old ones of ours

  // The text this was parsed from, whose unknown keys format_metadata() writes again; empty for a new sample.
  std::string original_json;
};

// Unknown keys are kept, absent ones keep their defaults; a key of the wrong type throws Error(input) naming
// file and key.
SampleMetadata parse_metadata(std::string_view json, const std::filesystem::path& file);
std::string format_metadata(const SampleMetadata& metadata);

// AXIAL, CORONAL or SAGITTAL by the largest component of the slice normal.
std::string orientation_name(const Geometry& geometry);

}  // namespace pillar
