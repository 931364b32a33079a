#include "rave/encode_fixture.h"

#include "pillar/core/csv.h"
#include "pillar/image/dicom_write.h"
#include "pillar/rave/sample.h"

#include "support/volumes.h"

#include <fmt/format.h>

namespace pillar::test {

namespace fs = std::filesystem;

Volume patient_volume(std::uint32_t patient) {
  return smooth_volume(8, 32, 32, patient);
}

void write_patient(const fs::path& folder, const SeriesOfPatient& of) {
  DicomWriteOptions options;
  options.accession = of.accession;
  options.patient_id = fmt::format("P{}", of.patient);
  options.series_number = of.number;
  options.uid_seed = fmt::format("{} {}", of.patient, of.number);
  Volume volume = patient_volume(of.patient);
  volume.voxels_dhw = volume.voxels_dhw.narrow(0, 0, of.slices).contiguous();
  write_dicom_series(folder, volume, options);
}

EncodeJob quiet_job(const fs::path& out, std::vector<fs::path> inputs) {
  EncodeJob job;
  job.inputs = std::move(inputs);
  job.output_folder = out;
  job.jobs = 2;
  job.quiet = true;
  return job;
}

std::vector<std::string> column_of(const fs::path& file, const std::string& name) {
  const CsvTable table = read_csv(file);
  std::vector<std::string> values;
  for (const auto& row : table.rows) values.push_back(row[table.column(name, file)]);
  return values;
}

std::vector<std::string> sample_names_in(const fs::path& out) {
  return column_of(out / "manifest.csv", "sample_name");
}

at::Tensor stored_voxels(const fs::path& sample) {
  return Sample::open(sample).read().voxels_dhw;
}

}  // namespace pillar::test
