// What `pillar-rave encode` does to a scan: presets, YAML files (the public engine's too), and their checks.
#pragma once

#include "pillar/core/config.h"
#include "pillar/core/notes.h"
#include "pillar/image/prepare.h"
#include "pillar/rave/sample.h"
#include "pillar/windows/value_check.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

struct EncodeConfig {
  // Unset: DICOM says it itself; a volume file is taken for CT, with a warning.
  std::optional<Modality> modality;
  std::string anatomy;           // free text, kept in metadata.json: "chest"
  PreprocessOptions preprocess;  // its modality is set per scan
  IntensityScale intensity;      // of the values as they are loaded
  ValuePolicy values = ValuePolicy::refuse;
  SampleWriteOptions write;
};

// "chest-ct", "abdomen-ct", "head-ct", "breast-mr", "none" (the scanner's own grid).
std::vector<std::string> encode_preset_names();
Config encode_preset(std::string_view name);  // throws Error(usage) with the nearest name

// Reads the keys of docs/pillar-rave.md. A file with the public engine's key `exporter_config` selects rave10
// unless `mode` says otherwise, and its other keys that mean nothing here are named in `notes`; in any
// other file an unknown key is Error(input).
EncodeConfig parse_encode_config(const Config& config, Notes& notes);

}  // namespace pillar
