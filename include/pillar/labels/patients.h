// Which studies are of one patient, so that a bootstrap draws them together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pillar {

struct PatientTable {
  std::filesystem::path file;                     // for messages
  std::map<std::string, std::string> patient_of;  // by accession; empty: every study is its own unit
};

// CSV with the columns accession,patient. Throws Error(io), and Error(input) naming the line: an empty field,
// an accession with two patients.
PatientTable read_patients(const std::filesystem::path& file);

struct ResampleUnits {
  std::vector<std::uint32_t> of_study;  // N, each below `count`; in order of first appearance
  std::int64_t count = 0;
  const char* kind = "study";  // or "patient"
};
// Throws Error(input) naming an accession that the table lacks.
ResampleUnits resample_units(const std::vector<std::string>& accessions, const PatientTable& patients);

}  // namespace pillar
