// Internal: a number in a table.
#pragma once

#include "pillar/metrics/bootstrap.h"

#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace pillar {

// Empty where it is not finite.
inline std::string csv_cell(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : std::string();
}

// Its value and its two ends.
inline void add_interval_cells(const Interval& interval, std::vector<std::string>& row) {
  for (const double number : {interval.value, interval.low, interval.high}) row.push_back(csv_cell(number));
}

}  // namespace pillar
