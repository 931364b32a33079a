// From a model's scores to probabilities that are right in the mean: maps that are fitted on validation
// studies and applied to others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace pillar {

// Platt (1999): sigmoid(slope * logit(p) + intercept).
struct PlattMap {
  double slope = 1, intercept = 0;
};

// A line through the points (x rising, y not falling), the first and last y beyond them.
struct IsotonicMap {
  std::vector<double> x, y;
};

enum class CalibrationKind { platt, isotonic };

struct CalibrationMap {
  CalibrationKind kind = CalibrationKind::platt;
  PlattMap platt;
  IsotonicMap isotonic;
};

// `probabilities`: 0 to 1; `answers`: 1 yes, 0 no, -1 not known (left out). Throws Error(input) where a score
// is no probability or one of both classes is missing.
// Newton's method with a line search and Platt's smoothed targets (Lin, Lin and Weng, 2007). Scores of
// exactly 0 or 1 count as 1e-12 from there.
PlattMap fit_platt(std::span<const double> probabilities, std::span<const std::int8_t> answers);
// Least squares among all rising maps: pool adjacent violators (Ayer et al., 1955). Equal scores count as
// one.
IsotonicMap fit_isotonic(std::span<const double> probabilities, std::span<const std::int8_t> answers);

// Of a probability; NaN stays NaN.
double calibrated(const CalibrationMap& map, double probability);

// calibration.json: a map for each output, by name. Writing is atomic. Reading throws Error(io), and
// Error(input) naming file and key: a number that is not finite, points that do not rise, lists of two
// lengths.
using CalibrationMaps = std::map<std::string, CalibrationMap>;
void write_calibration(const std::filesystem::path& file, const CalibrationMaps& maps);
CalibrationMaps read_calibration(const std::filesystem::path& file);

// The calibrator of the Sybil code of 2022: a year's folds, whose calibrated values are averaged. A fold maps
// p to z = coef * p + intercept, held between x_min and x_max, and that by a line through points.
struct SybilFold {
  double coef = 1, intercept = 0, x_min = 0, x_max = 0;
  IsotonicMap points;
};
using SybilCalibrator = std::vector<std::vector<SybilFold>>;  // [year][fold]
// "Year1", "Year2", ... without a gap. Throws as read_calibration() does.
SybilCalibrator read_sybil_calibrator(const std::filesystem::path& file);
double calibrated(const std::vector<SybilFold>& folds, double probability);

}  // namespace pillar
