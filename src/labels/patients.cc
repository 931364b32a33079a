#include "pillar/labels/patients.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

namespace pillar {

PatientTable read_patients(const std::filesystem::path& file) {
  const CsvTable table = read_csv(file);
  const std::size_t accession = table.column("accession", file), patient = table.column("patient", file);
  PatientTable patients;
  patients.file = file;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::vector<std::string>& row = table.rows[i];
    if (row[accession].empty() || row[patient].empty())
      fail(ErrorCategory::input, "{}: row {} has an empty accession or patient", file, i + 1);
    const auto [place, is_new] = patients.patient_of.emplace(row[accession], row[patient]);
    if (!is_new && place->second != row[patient]) {
      fail(ErrorCategory::input, "{}: row {}: the accession {} has two patients, {} and {}", file, i + 1,
           printable(row[accession]), printable(place->second), printable(row[patient]));
    }
  }
  if (patients.patient_of.empty()) fail(ErrorCategory::input, "{}: has no rows", file);
  return patients;
}

ResampleUnits resample_units(const std::vector<std::string>& accessions, const PatientTable& patients) {
  ResampleUnits units;
  units.of_study.reserve(accessions.size());
  if (patients.patient_of.empty()) {
    for (std::size_t i = 0; i < accessions.size(); ++i)
      units.of_study.push_back(static_cast<std::uint32_t>(i));
    units.count = std::ssize(accessions);
    return units;
  }
  units.kind = "patient";
  std::map<std::string_view, std::uint32_t> numbers;
  for (const std::string& accession : accessions) {
    const auto found = patients.patient_of.find(accession);
    if (found == patients.patient_of.end()) {
      fail(ErrorCategory::input, "{}: has no patient for the accession {}", patients.file,
           printable(accession));
    }
    units.of_study.push_back(
        numbers.emplace(found->second, static_cast<std::uint32_t>(numbers.size())).first->second);
  }
  units.count = std::ssize(numbers);
  return units;
}

}  // namespace pillar
