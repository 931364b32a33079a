// Internal: which number of a validation says which checkpoint is the best.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pillar {

struct Monitor {
  std::string name = "loss";
  bool higher_is_better = false;

  // The number of that name. Throws Error(usage) with the names that there are.
  double of(const std::vector<std::pair<std::string, double>>& values) const;
  bool beats(double value, double best) const { return higher_is_better ? value > best : value < best; }
};

}  // namespace pillar
