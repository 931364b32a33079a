// A batch: many scans to RAVE samples, resumable, one bad input never stopping the others.
#pragma once

#include "pillar/rave/prepare.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct EncodeJob {
  std::vector<std::filesystem::path> inputs;  // DICOM folders or files, or volume files
  std::filesystem::path output_folder;
  SamplePrepareOptions prepare;
  bool all_series = true;  // false: the first series of a folder only, as the public engine does
  int jobs = 0;            // scans at once; 0: all processors
  bool overwrite = false;  // else samples that are there already are kept
  bool dry_run = false;    // read headers, name outputs, decode and write nothing
  bool quiet = false;      // no progress bar
};

enum class EncodeStatus { written, skipped, planned, failed };

// One line of the batch's outcome, in input order.
struct EncodeOutcome {
  std::filesystem::path source;
  EncodeStatus status = EncodeStatus::failed;
  std::string accession;
  std::int64_t series_number = 0;
  std::filesystem::path output;  // empty where no name was found
  std::uint64_t source_bytes = 0;
  std::uint64_t sample_bytes = 0;
  std::string stage;  // of a failure: "scan", "name", "read", "write"
  std::string reason;
};

struct EncodeSummary {
  std::vector<EncodeOutcome> outcomes;
  std::int64_t count(EncodeStatus status) const;
  // "12 written, 3 there already, 1 failed (out/failures.csv)"
  std::string brief() const;
};

// Writes <output_folder>/<sample>, mapping.csv
// (source_path,accession,series_number,output_path,dicom_size_mb, processed_size_mb) and failures.csv
// (path,stage,reason). Two scans that ask for the same output name: the first in input order has it, the
// other fails. Throws Error(usage) for an impossible combination, Error(io) where the output folder itself
// cannot be written.
EncodeSummary run_encode(const EncodeJob& job);

// Folders are searched for folders that hold files; files stay as they are. In a stable order.
std::vector<std::filesystem::path> expand_inputs(const std::vector<std::filesystem::path>& inputs);
// A column of a CSV; relative paths are taken from the working folder, or from the CSV's where that one has
// the file.
std::vector<std::filesystem::path> inputs_from_csv(const std::filesystem::path& csv,
                                                   const std::string& path_column);

}  // namespace pillar
