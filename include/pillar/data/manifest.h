// Which samples belong to a split, in which order, and what their reports say.
#pragma once

#include "pillar/core/path_text.h"
#include "pillar/data/scan.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct ManifestSample {
  std::string name;          // sample_name
  PathText path;             // image_cache_path
  std::string report;        // report_metadata of the JSON lines; empty where there is none, or no text
  std::string patient = {};  // of the CSV's column patient or patient_id; empty: not known
};

struct Manifest {
  std::vector<ManifestSample>
      samples;                       // in the order of the JSON lines where there are some, else of the CSV
  std::vector<std::string> missing;  // named by the JSON lines, not in the CSV
};

// CSV with columns sample_name and image_cache_path, and perhaps patient (or patient_id); relative paths are
// taken from the CSV's folder. Other columns are left alone, and a row that comes again as it was counts
// once. `json_lines`, if not empty:
// {"sample_name", "nii_path", "report_metadata"} a line, and only those samples; a name may be a whole
// number. Throws Error(io | input) naming file and line: an empty or repeated sample_name (all of them), an
// empty path, a line that is no JSON object, no sample at all.
Manifest load_manifest(const std::filesystem::path& csv, const std::filesystem::path& json_lines = {});

std::vector<ScanEntry> scan_entries(Manifest manifest);

}  // namespace pillar
