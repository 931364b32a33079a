#include "train/finetune/assignment.h"

#include <limits>
#include <utility>

namespace pillar {
namespace {

// Jonker and Volgenant's method by shortest augmenting paths: rows are assigned one after the other; each
// search is Dijkstra's over costs that the dual variables keep from being negative.
class AugmentingPaths {
 public:
  // rows <= columns.
  AugmentingPaths(const std::vector<double>& costs, std::int64_t rows, std::int64_t columns)
      : costs_(costs),
        columns_(columns),
        row_dual_(rows),
        column_dual_(columns),
        column_of_row_(rows, -1),
        row_of_column_(columns, -1) {
    for (std::int64_t row = 0; row < rows; ++row) assign(row);
  }
  const std::vector<std::int64_t>& column_of_row() const noexcept { return column_of_row_; }

 private:
  struct Search {
    std::vector<double> distance;         // of each column, infinite while none is known
    std::vector<std::int64_t> came_from;  // the row before each column
    std::vector<std::int64_t> done;       // columns whose distance is final, the last one free
    std::vector<std::int64_t> open;       // the others
    double length = 0;                    // of the path to the last of `done`
  };

  Search shortest_path(std::int64_t from) const {
    Search search;
    search.distance.assign(columns_, std::numeric_limits<double>::infinity());
    search.came_from.assign(columns_, -1);
    for (std::int64_t column = columns_; column-- > 0;) search.open.push_back(column);
    std::int64_t row = from;
    while (row != -1) {
      const std::size_t nearest = relax(row, search);
      const std::int64_t column = search.open[nearest];
      search.open[nearest] = search.open.back();
      search.open.pop_back();
      search.length = search.distance[column];
      search.done.push_back(column);
      row = row_of_column_[column];
    }
    return search;
  }

  // Brings the open columns' distances up to date with the ways through `row`; gives the place in `open` of
  // the nearest column, a free one among equals.
  std::size_t relax(std::int64_t row, Search& search) const {
    std::size_t nearest = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < search.open.size(); ++i) {
      const std::int64_t column = search.open[i];
      const double way =
          search.length + costs_[row * columns_ + column] - row_dual_[row] - column_dual_[column];
      if (way < search.distance[column]) {
        search.distance[column] = way;
        search.came_from[column] = row;
      }
      const double distance = search.distance[column];
      if (distance < least || (distance == least && row_of_column_[column] == -1)) {
        least = distance;
        nearest = i;
      }
    }
    return nearest;
  }

  void assign(std::int64_t from) {
    const Search search = shortest_path(from);
    row_dual_[from] += search.length;
    for (const std::int64_t column : search.done) {
      const double gain = search.length - search.distance[column];
      const std::int64_t row = row_of_column_[column];
      if (row != -1) row_dual_[row] += gain;
      column_dual_[column] -= gain;
    }
    // The path turns over: each row on it takes the column that led away from it.
    std::int64_t column = search.done.back(), row = -1;
    while (row != from) {
      row = search.came_from[column];
      row_of_column_[column] = row;
      std::swap(column_of_row_[row], column);
    }
  }

  const std::vector<double>& costs_;
  std::int64_t columns_;
  std::vector<double> row_dual_, column_dual_;
  std::vector<std::int64_t> column_of_row_, row_of_column_;
};

}  // namespace

std::vector<std::int64_t> least_cost_assignment(const std::vector<double>& costs, std::int64_t rows,
                                                std::int64_t columns) {
  if (rows <= columns) return AugmentingPaths(costs, rows, columns).column_of_row();
  std::vector<double> turned(costs.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column)
      turned[column * rows + row] = costs[row * columns + column];
  }
  const std::vector<std::int64_t> row_of_column = AugmentingPaths(turned, columns, rows).column_of_row();
  std::vector<std::int64_t> column_of_row(rows, -1);
  for (std::int64_t column = 0; column < columns; ++column) column_of_row[row_of_column[column]] = column;
  return column_of_row;
}

}  // namespace pillar
