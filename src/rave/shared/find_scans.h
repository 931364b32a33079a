// Shared: the scans that lie at and below some paths, from headers alone: what a batch of any kind begins
// with.
#pragma once

#include "pillar/image/dicom_series.h"
#include "pillar/rave/encode_job.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct ScanSearch {
  std::vector<std::filesystem::path> inputs;  // files, and folders that are searched to their depth
  std::filesystem::path own_output;           // a folder whose files are only counted; may be empty
  // Whether RAVE samples are scans as well; else their files are left out as all others are.
  bool samples = false;
  bool only_named = false;         // of a DICOM file that is named: else its whole series in that folder
  bool first_series_only = false;  // of each folder the first by its UID, as the public engine does
  std::optional<std::int64_t> volume_index;  // of a series that holds several volumes only this one
  int threads = 1;
};

// One scan, or an input in which none was found.
struct FoundScan {
  std::filesystem::path source;       // the file, the sample, or the innermost folder with the whole series
  std::optional<DicomSeries> series;  // unset: a volume file, a sample, or `fault` says why there is none
  std::uint64_t bytes_on_disk = 0;    // not counted of a sample
  std::string fault;                  // what should have been read and was not, naming it; empty for a scan
  std::size_t input = 0;              // which of the inputs it, or the first of its files, was found below
};

struct FoundScans {
  std::vector<FoundScan> scans;  // in the order of the inputs and of the files below them
  std::vector<EncodeLeftOut> left_out;
};

// All files at and below the inputs, each once, grouped by series over folders. Says in the log what is left
// out. Throws Error(io) where no input exists.
FoundScans find_scans(const ScanSearch& search);

// The innermost folder that both lie in, or are; "." where they have none in common.
std::filesystem::path common_folder(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace pillar
