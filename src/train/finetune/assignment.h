// Internal: the rectangular assignment problem (D. F. Crouse, "On implementing 2D rectangular assignment
// algorithms", IEEE Transactions on Aerospace and Electronic Systems 52(4), 2016).
#pragma once

#include <cstdint>
#include <vector>

namespace pillar {

// rows x columns costs, row by row, all finite. Gives each row's column, -1 for rows that are left over, so
// that the sum of costs is least and min(rows, columns) rows have one.
std::vector<std::int64_t> least_cost_assignment(const std::vector<double>& costs, std::int64_t rows,
                                                std::int64_t columns);

}  // namespace pillar
