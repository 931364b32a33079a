#include "index_cases.h"

#include "pillar/core/fail.h"
#include "pillar/image/dicom_series.h"
#include "pillar/image/dicom_write.h"

#include "baselines.h"

#include <algorithm>
#include <fstream>

#include <ATen/ops/zeros.h>
#include <fmt/format.h>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// Memory that is in use now, without the files that are mapped.
double used_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stod(line.substr(line.find(':') + 1)) / 1024.0;
  }
  fail(ErrorCategory::unsupported, "/proc/self/status: no RssAnon, the memory of this process");
}

Measurement our_index(const IndexOptions& options, int threads) {
  const double before = used_mb();
  Measurement m;
  const double begin = now_seconds();
  const std::vector<fs::path> files = files_of(options.folder);
  const DicomScan scan = scan_dicom_files(files, threads);
  m.seconds = now_seconds() - begin;
  const auto count = static_cast<double>(files.size());
  m.figures = {{"files", count},
               {"series", static_cast<double>(scan.series.size())},
               {"kept_bytes_a_file", (used_mb() - before) * 1048576.0 / count}};
  return m;
}

Measurement encode_folder(const IndexOptions& options, int jobs) {
  Measurement m;
  const double begin = now_seconds();
  m.child_rss_mb = run_program(
      {(options.programs / "pillar-rave").string(), "encode", options.folder.string(), "--out",
       (options.scratch / "samples").string(), "--jobs", std::to_string(jobs), "--overwrite", "--quiet"},
      "", nullptr);
  m.seconds = now_seconds() - begin;
  m.figures = {{"program_rss_mb", m.child_rss_mb}};
  m.child_rss_mb -= peak_rss_mb();  // the program's alone
  return m;
}

}  // namespace

std::vector<Case> index_cases(const IndexOptions& options) {
  std::vector<Case> cases;
  cases.push_back({"index", [=] { return our_index(options, options.threads); },
                   "itk::GDCMSeriesFileNames, the files of each series (SimpleITK's GetGDCMSeriesFileNames)",
                   [=] { return itk_series_files(options.folder, /*names=*/true); }});
  cases.push_back({"index.1t", [=] { return our_index(options, 1); },
                   "itk::GDCMSeriesFileNames, the series alone (SimpleITK's GetGDCMSeriesIDs)",
                   [=] { return itk_series_files(options.folder, /*names=*/false); }});
  if (!options.encode) return cases;
  cases.push_back({"encode_folder", [=] { return encode_folder(options, options.threads); },
                   "the same with --jobs 1", [=] { return encode_folder(options, 1); }});
  return cases;
}

void write_index_folder(const fs::path& folder, int series, int slices, int size) {
  if (fs::exists(folder)) return;
  at::Tensor voxels_dhw = at::zeros({slices, size, size}, at::kShort);
  voxels_dhw.narrow(1, 0, size / 2).fill_(-1000);  // a CT has air in it
  const Volume volume{voxels_dhw, {}, Modality::ct};
  for (int number = 1; number <= series; ++number) {
    DicomWriteOptions options;
    options.accession = "BENCH";
    options.series_number = number;
    options.study_uid = "2.25.1";
    options.uid_seed = std::to_string(number);
    const fs::path own = folder / "own";
    write_dicom_series(own, volume, options);
    for (const auto& file : fs::directory_iterator(own))
      fs::rename(file.path(), folder / fmt::format("{}.{}", number, file.path().filename().string()));
    fs::remove(own);
  }
}

}  // namespace pillar::bench
