// Internal: the value of a metric that its data do not define (AUROC without a positive, say).
#pragma once

#include <limits>

namespace pillar {

inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

}  // namespace pillar
