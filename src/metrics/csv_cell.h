// Internal: a number in a table.
#pragma once

#include <cmath>
#include <string>

#include <fmt/format.h>

namespace pillar {

// Empty where it is not finite.
inline std::string csv_cell(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : std::string();
}

}  // namespace pillar
