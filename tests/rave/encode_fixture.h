// Scans for tests of batches: series of made-up patients, and the job that encodes them.
#pragma once

#include "pillar/rave/encode_job.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar::test {

// 8 x 32 x 32 voxels, of each patient others.
Volume patient_volume(std::uint32_t patient);

struct SeriesOfPatient {
  std::string accession = "A1";
  std::uint32_t patient = 1;  // whose voxels and UIDs they are
  std::int64_t number = 1;
  std::int64_t slices = 8;
};
void write_patient(const std::filesystem::path& folder, const SeriesOfPatient& of);

// Two scans at once, and no progress bar.
EncodeJob quiet_job(const std::filesystem::path& out, std::vector<std::filesystem::path> inputs);

// A column of a CSV file.
std::vector<std::string> column_of(const std::filesystem::path& file, const std::string& name);
// The samples' names in a batch's manifest.csv.
std::vector<std::string> sample_names_in(const std::filesystem::path& out);

at::Tensor stored_voxels(const std::filesystem::path& sample);

}  // namespace pillar::test
