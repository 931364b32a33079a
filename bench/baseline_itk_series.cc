#include "baselines.h"

#include <itkGDCMSeriesFileNames.h>

namespace pillar::bench {
namespace {

itk::GDCMSeriesFileNames::Pointer scan_folder(const std::filesystem::path& folder) {
  auto names = itk::GDCMSeriesFileNames::New();
  names->SetUseSeriesDetails(false);
  names->SetDirectory(folder.string());
  return names;
}

}  // namespace

Measurement itk_series_files(const std::filesystem::path& folder, bool names) {
  Measurement m;
  const double begin = now_seconds();
  const std::vector<std::string> series = scan_folder(folder)->GetSeriesUIDs();
  std::size_t files = 0;
  for (const std::string& uid : series) {
    if (names) files += scan_folder(folder)->GetFileNames(uid).size();
  }
  m.seconds = now_seconds() - begin;
  m.figures = {{"files", static_cast<double>(files)}, {"series", static_cast<double>(series.size())}};
  return m;
}

}  // namespace pillar::bench
