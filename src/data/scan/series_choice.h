// Internal: which series of a study a model is shown.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/data/scan.h"
#include "pillar/image/dicom_series.h"

#include <filesystem>
#include <span>
#include <vector>

namespace pillar {

// The one that fits best; whether it was chosen among several, and what the others lack, is added to `notes`.
// In this order, where the first that tells two apart decides: it can be read; it is of the modality that is
// prepared for; it is an original, no MIP or MPR; its slices lie across the model's D (axial by default); it
// is not of another part of the body; it covers what the model sees, as far as any series does; its slices
// are the thinnest; it has the most of them. Then the lower series number, and the first that was found.
// Throws Error(input) naming `source` and what there is where the wish names a series that is not there.
const DicomSeries& choose_series(std::span<const DicomSeries> series, const ScanReadOptions& options,
                                 const std::filesystem::path& source, Notes& notes);

// All that could be chosen by the wish: readable and of the modality that is prepared for.
std::vector<const DicomSeries*> usable_series(std::span<const DicomSeries> series,
                                              const ScanReadOptions& options);

}  // namespace pillar
