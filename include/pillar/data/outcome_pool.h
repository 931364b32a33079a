// The studies that a finetuning trains on or is judged by: scans and annotations of a table's studies.
#pragma once

#include "pillar/data/study_pool.h"
#include "pillar/labels/outcomes.h"

#include <cstdint>
#include <vector>

namespace pillar {

struct OutcomePool : StudyPool {
  std::vector<std::int64_t> rows;  // of each study: its index in the table's studies and values
};

// Indices of the table's studies that belong to a split, in the table's order.
std::vector<std::int64_t> studies_of_split(const OutcomeTable& table, OutcomeSplit split);

// Opens the scan of each of these studies and the mask that belongs to it (headers, not voxels) on `threads`
// threads, and leaves out of the pool what has a fault: no scan, another modality than the spec's, a mask
// that is none or has another size than its scan, a box that leaves it. All faults are added to `faults`, in
// order, with the table's file and row as their source; it is the caller's to stop. Throws Error(input) where
// no study is left, Error(usage) for no studies, an index outside of the table, and no thread.
OutcomePool load_outcome_pool(const OutcomeTable& table, const std::vector<std::int64_t>& studies,
                              const PreprocessSpec& spec, int threads, std::vector<StudyFault>& faults);

}  // namespace pillar
