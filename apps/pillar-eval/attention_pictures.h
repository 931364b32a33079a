// Where a model looked, as files beside its answers.
#pragma once

#include "pillar/data/scan.h"
#include "pillar/data/scan_batch.h"
#include "pillar/eval/scan_attention.h"

#include <filesystem>
#include <string>

namespace pillar {

// <accession>.nii.gz, .png and .html in one folder; file names by file_stem().
class AttentionPictures {
 public:
  // `reading`: how the batch reads its scans; the pictures show them on their own grids. Makes the folder.
  AttentionPictures(std::filesystem::path folder, const ScanReadOptions& reading);

  bool are_there(const std::string& accession) const;
  // Reads the scan once more, as it is stored. Throws Error(io | input).
  void write(const BatchedScan& scan, const ScanAttention& attention) const;

 private:
  std::filesystem::path file_of(const std::string& accession, const char* ending) const;

  std::filesystem::path folder_;
  ScanReadOptions reading_;
};

}  // namespace pillar
