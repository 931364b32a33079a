#include "train/finetune/assignment.h"

#include <limits>

namespace pillar {
namespace {

constexpr std::int64_t kNobody = -1;

// The state of all rows that have a column so far: prices keep every reduced cost at 0 or more.
struct Assignment {
  std::span<const double> costs;
  std::int64_t rows, columns;
  std::vector<double> row_price, column_price;
  std::vector<std::int64_t> column_of_row, row_of_column;
};

// Gives one more row a column, moving other rows along the cheapest path of changes.
void augment(Assignment& a, std::int64_t fresh_row) {
  const auto columns = static_cast<std::size_t>(a.columns);
  std::vector<double> distance(columns, std::numeric_limits<double>::infinity());
  std::vector<std::int64_t> previous_row(columns, kNobody);
  std::vector<bool> done(columns, false);
  std::vector<std::int64_t> visited_rows;
  double shortest = 0;
  std::int64_t row = fresh_row, sink = kNobody;
  while (sink == kNobody) {
    visited_rows.push_back(row);
    std::int64_t nearest = kNobody;
    double nearest_distance = std::numeric_limits<double>::infinity();
    for (std::int64_t c = 0; c < a.columns; ++c) {
      if (done[c]) continue;
      const double reduced = shortest + a.costs[row * a.columns + c] - a.row_price[row] - a.column_price[c];
      if (reduced < distance[c]) {
        distance[c] = reduced;
        previous_row[c] = row;
      }
      // Of equally near columns a free one ends the search.
      const bool nearer = distance[c] < nearest_distance;
      const bool free_tie = distance[c] == nearest_distance && a.row_of_column[c] == kNobody;
      if (nearer || free_tie) {
        nearest_distance = distance[c];
        nearest = c;
      }
    }
    shortest = nearest_distance;
    done[nearest] = true;
    if (a.row_of_column[nearest] == kNobody)
      sink = nearest;
    else
      row = a.row_of_column[nearest];
  }
  a.row_price[fresh_row] += shortest;
  for (const std::int64_t r : visited_rows) {
    if (r != fresh_row) a.row_price[r] += shortest - distance[a.column_of_row[r]];
  }
  for (std::int64_t c = 0; c < a.columns; ++c) {
    if (done[c]) a.column_price[c] -= shortest - distance[c];
  }
  for (std::int64_t column = sink;;) {
    const std::int64_t taker = previous_row[column];
    a.row_of_column[column] = taker;
    std::swap(a.column_of_row[taker], column);
    if (taker == fresh_row) return;
  }
}

}  // namespace

std::vector<std::int64_t> assign_columns(std::span<const double> costs, std::int64_t rows,
                                         std::int64_t columns) {
  Assignment a{costs, rows, columns, {}, {}, {}, {}};
  a.row_price.assign(static_cast<std::size_t>(rows), 0);
  a.column_price.assign(static_cast<std::size_t>(columns), 0);
  a.column_of_row.assign(static_cast<std::size_t>(rows), kNobody);
  a.row_of_column.assign(static_cast<std::size_t>(columns), kNobody);
  for (std::int64_t row = 0; row < rows; ++row) augment(a, row);
  return a.column_of_row;
}

}  // namespace pillar
