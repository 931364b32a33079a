// The calibrator of Sybil (Mikhael et al. 2023, the code of 2022), which comes with its released weights: for
// each year the curves of several folds, whose probabilities are averaged.
#pragma once

#include "pillar/metrics/calibration_curve.h"

#include <filesystem>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// The score of an ensemble's mean probability p is slope * p + intercept, kept within least and most.
struct SybilFold {
  double slope = 1, intercept = 0;
  double least = 0, most = 1;
  IsotonicCurve curve;
};

struct SybilCalibrator {
  std::vector<std::vector<SybilFold>> years;  // at least one year; each of at least one fold
};

// A JSON object of "Year1", "Year2" and so on, each a list of folds with coef, intercept, x0 and y0 (the
// curve's scores and probabilities), x_min and x_max. Throws Error(io), and Error(input) naming file and key.
SybilCalibrator read_sybil_calibrator(const std::filesystem::path& file);
SybilCalibrator parse_sybil_calibrator(std::string_view json, const std::filesystem::path& file_name);

// Calibrated probabilities (N, years) float64 of uncalibrated ones (N, years) float32 or float64. As in the
// public code, a later year may get a smaller probability than an earlier one. Throws Error(input) for a
// value that is no probability, Error(usage) for another shape or type.
at::Tensor calibrate(const SybilCalibrator& calibrator, const at::Tensor& probabilities_ny);

}  // namespace pillar
