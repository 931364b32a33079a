// Internal: the scans that a batch's inputs hold, from headers alone.
#pragma once

#include "pillar/image/dicom_series.h"
#include "pillar/rave/encode_job.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

// One scan, which becomes one sample, or an input in which none was found.
struct FoundScan {
  std::filesystem::path source;       // the input that holds it
  std::optional<DicomSeries> series;  // unset: `source` is a volume file, or `fault` says why there is none
  std::uint64_t bytes_on_disk = 0;
  std::string fault;  // why nothing was found in this input, naming it; empty for a scan
};

// In input order, several inputs at a time. What is left out is said in the log.
std::vector<FoundScan> find_scans(const EncodeJob& job);

}  // namespace pillar
