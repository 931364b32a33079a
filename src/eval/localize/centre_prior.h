// Internal: where findings of the training studies lie, learned without a look at any map.
#pragma once

#include "pillar/image/volume.h"

#include "eval/evidence/evidence_files.h"
#include "eval/localize/truth_table.h"

#include <optional>
#include <string>
#include <vector>

namespace pillar {

// Cells of 10 mm around the middle of the scan.
class CentrePrior {
 public:
  // From at most 150 of the training studies whose finding is marked. Boxes and points of scans whose middle
  // is not known are taken as if it were `usual_centre`, which `notes` says.
  CentrePrior(const TruthTable& truth, const std::string& question, const std::vector<TrainRow>& train,
              const PatientXyz& usual_centre, double tolerance_mm, Notes& notes);

  std::int64_t findings() const { return findings_; }
  // The place, relative to the middle of the scan, within the tolerance of which most findings lie.
  PatientXyz best_place() const;
  // How often a finding covers each voxel of a grid: (D,H,W) float32.
  at::Tensor map_on(const Grid& grid) const;

 private:
  void add(const at::Tensor& mask_dhw, const Grid& grid, const PatientXyz& centre, double tolerance_mm);

  std::vector<float> covered_, hit_;  // findings that cover a cell, and that a place in it would hit
  std::int64_t findings_ = 0;
};

// The middle of a grid in the patient.
PatientXyz middle_of(const Grid& grid);

}  // namespace pillar
