// Internal: what is marked in a scan, on the grid of its volume.
#pragma once

#include "pillar/data/scan.h"
#include "pillar/data/study_pool.h"

#include <ATen/core/Tensor.h>

namespace pillar {

// Of headers alone: the mask can be one, and lies on its scan; boxes are within it. Throws Error(io | input)
// naming the file. What only voxels tell (a DICOM scan's slices) is left to read_annotation().
void check_annotation(const StudyAnnotation& annotation, const std::filesystem::path& scan,
                      const OpenedScan& opened);

// (D,H,W) uint8 of 0 and 1, voxel by voxel with the volume of a scan that was read with
// prepare_options(spec); not defined where nothing is marked. A mask as large as the scan was stored takes
// the same way from there (resampling by the nearest voxel, selection, crop and pad), as boxes do; one as
// large as the volume is taken as it is; any other is brought there by the two geometries. What was odd is
// added to `notes`. Throws Error(io | input) naming the file: another size where a geometry is not known, a
// mask beside its scan, a NaN, a box that leaves the scan.
at::Tensor read_annotation(const StudyAnnotation& annotation, const Scan& scan, const PreprocessSpec& spec,
                           Notes& notes);

}  // namespace pillar
