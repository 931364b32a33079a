// Internal: a DICOM study opened, with one of its series to be read.
#pragma once

#include "pillar/data/scan.h"

namespace pillar {

// Throws Error(input) naming the entry's path where its study has no series that the options ask for.
OpenedScan open_dicom(const ScanEntry& entry, const ScanReadOptions& options);

}  // namespace pillar
