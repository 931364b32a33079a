#include "pillar/phantom/cohort.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/progress.h"
#include "pillar/core/thread_pool.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"

#include "phantom/cohort_index.h"
#include "phantom/scene.h"

#include <atomic>

#include <fmt/format.h>

namespace pillar {
namespace phantom {
namespace {

namespace fs = std::filesystem;

StudyRecord new_record(const CohortOptions& options, std::int64_t index) {
  StudyRecord study;
  study.accession = fmt::format("PH{:06}", index + 1);
  study.seed = hash64(options.seed, static_cast<std::uint64_t>(index) + 1);
  study.scan_path = "scans/" + study.accession + (options.format == CohortFormat::nifti ? ".nii.gz" : "");
  return study;
}

void write_scan(const fs::path& path, const CohortOptions& options, const StudyRecord& study,
                const Volume& volume) {
  if (options.format == CohortFormat::nifti) return write_volume_file(path, volume);
  DicomWriteOptions dicom;
  dicom.accession = study.accession;
  dicom.patient_id = study.accession;
  dicom.series_description = "Synthetic torso";
  dicom.uid_seed =
      fmt::format("pillar-phantom/{}/{}/{}", options.seed, study.accession, to_string(options.format));
  dicom.enhanced = options.format == CohortFormat::enhanced;
  PartialPath partial(path);
  write_dicom_series(partial.path(), volume, dicom);
  partial.commit();
}

// True if it was written, false if it was there.
bool make_study(const fs::path& folder, const CohortOptions& options, StudyRecord& study) {
  const Scene scene = make_scene(study.seed, options.phantom);
  const double slice_mm = options.phantom.field_of_view_mm / static_cast<double>(options.phantom.size);
  study.findings = scene.findings;
  study.report = report_text(study.seed, study.findings, options.phantom.modality, slice_mm);
  const fs::path path = folder / study.scan_path;
  if (fs::exists(path)) return false;
  write_scan(path, options, study, render(scene, options.phantom));
  return true;
}

}  // namespace
}  // namespace phantom

CohortSummary write_cohort(const std::filesystem::path& folder, const CohortOptions& options) {
  phantom::check_cohort_options(options);
  phantom::prepare_folder(folder, options);
  std::vector<phantom::StudyRecord> studies(static_cast<std::size_t>(options.studies));
  Progress progress(
      {.label = "phantoms", .unit = "studies", .total = options.studies, .quiet = options.quiet});
  std::atomic<std::int64_t> written{0};
  std::atomic<bool> failed{false};
  const int jobs = options.jobs == 0 ? usable_processors() : options.jobs;
  parallel_for(options.studies, jobs, [&](std::int64_t i) {
    if (failed) return;  // a full disk fails all that follow
    auto& study = studies[static_cast<std::size_t>(i)] = phantom::new_record(options, i);
    try {
      if (phantom::make_study(folder, options, study)) ++written;
    } catch (...) {
      failed = true;
      throw;
    }
    progress.advance(1, study.accession);
  });
  progress.finish();
  phantom::write_index(folder, options, studies);
  phantom::write_outcomes(folder, options, studies);
  return {written, options.studies - written};
}

}  // namespace pillar
