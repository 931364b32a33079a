// A batch: many scans to RAVE samples, resumable, one bad input never stopping the others.
#pragma once

#include "pillar/rave/prepare.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct EncodeJob {
  // Folders, searched to their depth, DICOM files and volume files. The DICOM images of all of them are
  // grouped by series, wherever they lie.
  std::vector<std::filesystem::path> inputs;
  std::filesystem::path output_folder;
  // Names of the samples; both empty: the accession and the series number. `input_names`, one for each input,
  // are the samples' names as they are, or the template's {name}. Fields of the template: name, patient,
  // accession, series, series_uid, study_uid, description, modality, volume, file, folder (that it lies in).
  std::string name_template;  // "{patient}_{accession}_{series}"
  std::vector<std::string> input_names;
  SamplePrepareOptions prepare;
  bool all_series = true;   // false: the first series of a folder only, as the public engine does
  bool only_named = false;  // of a DICOM file that is named: else its whole series in that folder
  int jobs = 0;             // scans at once; 0: all processors
  bool overwrite = false;   // make samples of these scans anew that are there already
  bool dry_run = false;     // read headers, name outputs, decode and write nothing
  bool quiet = false;       // no progress bar
};

enum class EncodeStatus { written, skipped, planned, failed };

// One line of the batch's outcome, in input order.
struct EncodeOutcome {
  std::filesystem::path source;
  EncodeStatus status = EncodeStatus::failed;
  std::string accession;
  std::int64_t series_number = 0;
  std::filesystem::path output;  // empty where no name was found
  std::string sample_name;       // in manifest.csv
  std::uint64_t source_bytes = 0;
  std::uint64_t sample_bytes = 0;
  std::string stage;  // of a failure: "scan", "name", "read", "write"
  std::string reason;
};

// What is no scan, and no failure either: localizers, reports, files that are no images.
struct EncodeLeftOut {
  std::filesystem::path path;  // the file, or the folder where it was several
  std::string kind;            // "localizer", "screen capture", ...: the words of LeftOut
  std::int64_t count = 0;      // files, or planes of a file
  std::string reason;
};

struct EncodeSummary {
  std::vector<EncodeOutcome> outcomes;
  std::vector<EncodeLeftOut> left_out;
  std::int64_t count(EncodeStatus status) const;
  // "12 written, 3 there already, 1 failed (out/failures.csv)"
  std::string brief() const;
};

// Writes <output_folder>/<sample>, mapping.csv
// (source_path,accession,series_number,output_path,dicom_size_mb, processed_size_mb), manifest.csv
// (sample_name,image_cache_path), failures.csv (path,stage,reason) and left_out.csv
// (path,class,count,reason). A sample is known by the scan and the settings that it records, not by its name:
// the same ones are kept, others fail (docs/pillar-rave.md, "Which sample is whose"). Throws Error(usage) for
// an impossible combination, Error(input) where names that the user gave clash, Error(io) where the output
// folder itself cannot be written or no input exists.
EncodeSummary run_encode(const EncodeJob& job);

// A column of a CSV; relative paths are taken from the working folder, or from the CSV's where that one has
// the file.
std::vector<std::filesystem::path> inputs_from_csv(const std::filesystem::path& csv,
                                                   const std::string& path_column);
// Another column of the same rows. Throws Error(input) for an empty name.
std::vector<std::string> names_from_csv(const std::filesystem::path& csv, const std::string& name_column);

}  // namespace pillar
