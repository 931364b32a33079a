// Internal: whether a study can be trained on, as far as headers tell.
#pragma once

#include "pillar/data/study_pool.h"

namespace pillar {

// Opens the scan, and the mask where it has one. Throws whatever open_scan() throws, and Error(input) for
// another modality than the spec's and an annotation that does not fit the scan.
void check_study_headers(const PoolStudy& study, const PreprocessSpec& spec);

}  // namespace pillar
