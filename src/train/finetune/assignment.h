// Internal: the rectangular assignment problem.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pillar {

// For a matrix of costs (rows, columns), row by row, with no more rows than columns: the column of each row,
// no column twice, so that the sum of costs is the least. Shortest augmenting paths (Crouse, "On implementing
// 2D rectangular assignment algorithms", 2016). Costs must be finite.
std::vector<std::int64_t> assign_columns(std::span<const double> costs, std::int64_t rows,
                                         std::int64_t columns);

}  // namespace pillar
