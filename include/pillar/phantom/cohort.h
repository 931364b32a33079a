// A cohort of phantoms on disk: scans, reports, RATE labels, splits and truth.
#pragma once

#include "pillar/phantom/phantom.h"

#include <cstdint>
#include <filesystem>

namespace pillar {

enum class CohortFormat { dicom, enhanced, nifti };
CohortFormat parse_cohort_format(std::string_view text);  // throws Error(usage)

struct CohortOptions {
  std::int64_t studies = 0;
  std::uint64_t seed = 0;
  PhantomOptions phantom;
  CohortFormat format = CohortFormat::dicom;
  int jobs = 0;        // 0: all processors
  bool quiet = false;  // no progress bar
  bool overwrite = false;
  double follow_up = 0;         // chance of a second study of the patient
  bool masks = false;           // where each finding is; a cohort that is there gets them too
  double train_fraction = 0.7;  // the rest is split evenly into valid and test
};

struct CohortSummary {
  std::int64_t written = 0;
  std::int64_t skipped = 0;  // there already, from an earlier run with the same options
};

// Writes below `folder`:
//   scans/<accession>/...   DICOM series (*.dcm), or scans/<accession>.nii.gz
//   series.csv              series_path, one row a study, ready for `pillar-rave encode --input-csv`
//   train.jsonl valid.jsonl test.jsonl   {"sample_name", "nii_path", "report_metadata"}
//   labels.json             RATE: {accession: {"qa_results": {category: [{question: "Yes"|"No"}]}}}
//   truth.csv               accession, finding, side, x_mm, y_mm, z_mm, size_mm
//   findings.csv            accession, patient, split, image_paths, and 0 or 1 for each finding
//   survival.csv            the same with y and time_at_event instead: a made-up outcome
//   cohort.json             the options that made it
// with follow_up: pairs.csv (accession,prior_accession,days) and change_labels.json, as labels.json, of
// "<accession>|<prior_accession>"; a second study is called as the first with an F behind
// and with masks: masks/<accession>/<finding>.nii.gz, 1 where the finding is, on the scan's grid;
// localization.csv (accession,question,kind,path,coordinates_mm) of the masks and boxes.csv of their boxes
// Paths in the files are relative to `folder`; image_paths are the samples that `pillar-rave encode
// --input-csv FOLDER/series.csv --out FOLDER/../samples` makes. Resumes: a study already there is kept.
// Throws Error(usage) if `folder` holds a cohort made with other options.
CohortSummary write_cohort(const std::filesystem::path& folder, const CohortOptions& options);

}  // namespace pillar
