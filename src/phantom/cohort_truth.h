// Internal: where the findings of a cohort are, as masks and boxes.
#pragma once

#include "phantom/cohort_index.h"
#include "phantom/scene.h"

#include <filesystem>
#include <vector>

namespace pillar::phantom {

// masks/<accession>/<finding>.nii.gz of each finding, on the scan's grid, and their boxes in `study`. Masks
// that are there are made again only where `overwrite` says so; each appears whole. Throws Error(io).
void write_study_masks(const std::filesystem::path& folder, const Scene& scene, const PhantomOptions& options,
                       bool overwrite, StudyRecord& study);

// localization.csv (masks) and boxes.csv, which pillar-eval localize reads.
void write_truth_tables(const std::filesystem::path& folder, const std::vector<StudyRecord>& studies);

}  // namespace pillar::phantom
