// Internal: whether a study can be trained on, as far as headers tell, and what of it the model does not
// expect.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/data/study_pool.h"

#include <string>
#include <vector>

namespace pillar {

struct StudyHeader {
  Notes notes;                // each begins with the study's name
  bool other_voxels = false;  // of another size than the model expects
  // "SPL": how a sample is stored, where the model does not say how axes run; empty: it is brought to what
  // the model takes, or it is not known.
  std::string unturned_axes;
};

// Opens the scan, and the mask where it has one. Throws whatever open_scan() throws, and Error(input) for
// another modality than the spec's and an annotation that does not fit the scan.
StudyHeader check_study_headers(const PoolStudy& study, const PreprocessSpec& spec);

// Fills notes and mismatched of a pool from what was found of each of its studies, in their order.
void note_headers(StudyPool& pool, const std::vector<StudyHeader>& headers);

}  // namespace pillar
