// Internal: the scans that a batch's inputs hold, from headers alone.
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

// One scan, which becomes one sample, or an input in which none was found.
struct FoundScan {
  std::filesystem::path source;       // the volume file, or the innermost folder with all files of the series
  std::optional<DicomSeries> series;  // unset: `source` is a volume file, or `fault` says why there is none
  std::uint64_t bytes_on_disk = 0;
  std::string fault;      // what should have been read and was not, naming it; empty for a scan
  std::size_t input = 0;  // which of the job's inputs it, or the first of its files, was found below
};

struct FoundScans {
  std::vector<FoundScan> scans;  // in the order of the inputs and of the files below them
  std::vector<EncodeLeftOut> left_out;
};

// All files at and below the inputs, each once, grouped by series over folders. Says in the log what is left
// out. Throws Error(io) where no input exists.
FoundScans find_scans(const EncodeJob& job);

}  // namespace pillar
