// Internal: which scores a calibration curve may have, as it is fitted and as it is read.
#pragma once

namespace pillar {

// Of scores and slopes: far beyond any logit, and differences and products with it are still finite.
inline constexpr double kMostCurveScore = 1e150;

}  // namespace pillar
