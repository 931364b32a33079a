// Internal: a calibration curve's points in JSON.
#pragma once

#include "pillar/metrics/calibration_curve.h"

#include "core/shared/json_place.h"

namespace pillar {

// Throws Error(input) naming file and key where it is no finite number.
double read_finite(const JsonPlace& place);

// The points at `scores_key` and `probabilities_key`. Throws Error(input) naming file and key: no points,
// lists of two lengths, scores that do not rise or lie beyond kMostCurveScore, probabilities that fall or are
// none.
IsotonicCurve read_isotonic_curve(const JsonPlace& place, const char* scores_key,
                                  const char* probabilities_key);

}  // namespace pillar
