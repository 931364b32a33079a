#include "pillar/phantom/cohort.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/progress.h"
#include "pillar/core/thread_pool.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"

#include "phantom/cohort_index.h"
#include "phantom/cohort_truth.h"
#include "phantom/scene.h"

#include <atomic>
#include <optional>

#include <fmt/format.h>

namespace pillar {
namespace phantom {
namespace {

namespace fs = std::filesystem;

// `ending`: of the accession, after the patient's number.
StudyRecord new_record(const CohortOptions& options, std::int64_t index, const std::string& ending = {}) {
  StudyRecord study;
  study.patient = fmt::format("PH{:06}", index + 1);
  study.patient_index = static_cast<std::size_t>(index);
  study.accession = study.patient + ending;
  study.seed = hash64(options.seed, static_cast<std::uint64_t>(index) + 1);
  study.scan_path = "scans/" + study.accession + (options.format == CohortFormat::nifti ? ".nii.gz" : "");
  return study;
}

void write_scan(const fs::path& path, const CohortOptions& options, const StudyRecord& study,
                const Volume& volume) {
  if (options.format == CohortFormat::nifti) return write_volume_file(path, volume);
  DicomWriteOptions dicom;
  dicom.accession = study.accession;
  dicom.patient_id = study.patient;
  dicom.series_description = "Synthetic torso";
  dicom.uid_seed =
      fmt::format("pillar-phantom/{}/{}/{}", options.seed, study.accession, to_string(options.format));
  dicom.enhanced = options.format == CohortFormat::enhanced;
  PartialPath partial(path);
  write_dicom_series(partial.path(), volume, dicom);
  partial.commit();
}

constexpr std::uint64_t kFollowUpStream = 0x66755F6472617775u;  // far from those of the anatomy

double slice_distance_mm(const CohortOptions& options) {
  return options.phantom.field_of_view_mm / static_cast<double>(options.phantom.size);
}

// Fills in what the scene says. True if the scan was written, false if it was there.
bool keep_study(const fs::path& folder, const CohortOptions& options, const Scene& scene,
                StudyRecord& study) {
  study.findings = scene.findings;
  if (options.masks) write_study_masks(folder, scene, options.phantom, options.overwrite, study);
  const fs::path path = folder / study.scan_path;
  if (fs::exists(path)) return false;
  write_scan(path, options, study, render(scene, options.phantom));
  return true;
}

// All that a patient has: one study or two.
struct PatientRecord {
  StudyRecord study;
  std::optional<FollowUpRecord> follow_up;
  std::int64_t written = 0;
};

PatientRecord make_patient(const fs::path& folder, const CohortOptions& options, std::int64_t index) {
  PatientRecord patient;
  StudyRecord& study = patient.study = new_record(options, index);
  const Modality modality = options.phantom.modality;
  const double slice_mm = slice_distance_mm(options);
  const bool returns = Random(study.seed, kFollowUpStream).chance(options.follow_up);
  if (!returns) {
    const Scene scene = make_scene(study.seed, options.phantom);
    study.report = report_text(study.seed, scene.findings, modality, slice_mm);
    patient.written += keep_study(folder, options, scene, study);
    return patient;
  }
  const PatientCourse course = draw_course(study.seed, options.phantom);
  const Scene first = first_study(study.seed, options.phantom, course);
  const Scene second = second_study(study.seed, options.phantom, course);
  study.report = report_text(study.seed, first.findings, modality, slice_mm);
  patient.written += keep_study(folder, options, first, study);
  FollowUpRecord& follow_up =
      patient.follow_up.emplace(FollowUpRecord{new_record(options, index, {kFollowUpEnding}), course});
  follow_up.study.report = comparing_report(study.seed, first, second, course, modality, slice_mm);
  patient.written += keep_study(folder, options, second, follow_up.study);
  return patient;
}

}  // namespace
}  // namespace phantom

CohortSummary write_cohort(const std::filesystem::path& folder, const CohortOptions& options) {
  phantom::check_cohort_options(options);
  phantom::prepare_folder(folder, options);
  std::vector<phantom::PatientRecord> patients(static_cast<std::size_t>(options.studies));
  Progress progress(
      {.label = "phantoms", .unit = "patients", .total = options.studies, .quiet = options.quiet});
  std::atomic<bool> failed{false};
  const int jobs = options.jobs == 0 ? usable_processors() : options.jobs;
  parallel_for(options.studies, jobs, [&](std::int64_t i) {
    if (failed) return;  // a full disk fails all that follow
    try {
      patients[static_cast<std::size_t>(i)] = phantom::make_patient(folder, options, i);
    } catch (...) {
      failed = true;
      throw;
    }
    progress.advance(1, patients[static_cast<std::size_t>(i)].study.accession);
  });
  progress.finish();
  // First studies, then the second ones.
  std::vector<phantom::StudyRecord> studies;
  std::vector<phantom::FollowUpRecord> follow_ups;
  std::int64_t written = 0;
  for (const phantom::PatientRecord& patient : patients) {
    studies.push_back(patient.study);
    if (patient.follow_up) follow_ups.push_back(*patient.follow_up);
    written += patient.written;
  }
  for (const phantom::FollowUpRecord& follow_up : follow_ups) studies.push_back(follow_up.study);
  phantom::write_index(folder, options, studies);
  phantom::write_outcomes(folder, options, studies);
  if (options.follow_up > 0) phantom::write_changes(folder, follow_ups);
  if (options.masks) phantom::write_truth_tables(folder, studies);
  return {written, std::ssize(studies) - written};
}

}  // namespace pillar
