#include "phantom/cohort_truth.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/image/volume_file.h"

#include "phantom/finding_masks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar::phantom {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kTruthHeader = {"accession", "question", "kind", "path", "coordinates_mm"};

fs::path mask_path(const std::string& accession, FindingKind kind) {
  std::string name = pillar::to_string(kind);
  std::replace(name.begin(), name.end(), ' ', '-');
  return fs::path("masks") / accession / (name + ".nii.gz");
}

}  // namespace

void write_study_masks(const fs::path& folder, const Scene& scene, const PhantomOptions& options,
                       bool overwrite, StudyRecord& study) {
  std::error_code error;
  fs::create_directories(folder / "masks" / study.accession, error);
  if (error)
    fail(ErrorCategory::io, "{}: cannot make the folder: {}", folder / "masks" / study.accession,
         error.message());
  for (const Finding& finding : study.findings) {
    const Volume mask = finding_mask(scene, finding, options);
    study.boxes.push_back(mask_box(mask));
    const fs::path file = folder / mask_path(study.accession, finding.kind);
    if (overwrite || !fs::exists(file, error)) write_volume_file(file, mask);
  }
}

void write_truth_tables(const fs::path& folder, const std::vector<StudyRecord>& studies) {
  CsvTable masks{kTruthHeader, {}}, boxes{kTruthHeader, {}};
  for (const StudyRecord& study : studies) {
    for (std::size_t f = 0; f < study.findings.size(); ++f) {
      const FindingKind kind = study.findings[f].kind;
      masks.rows.push_back({study.accession, rate_question(kind), "mask",
                            mask_path(study.accession, kind).generic_string(), ""});
      boxes.rows.push_back({study.accession, rate_question(kind), "box", "",
                            fmt::format("{:.2f}", fmt::join(study.boxes[f], " "))});
    }
  }
  write_csv(folder / "localization.csv", masks);
  write_csv(folder / "boxes.csv", boxes);
}

}  // namespace pillar::phantom
