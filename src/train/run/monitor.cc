#include "train/run/monitor.h"

#include "pillar/core/fail.h"

#include <fmt/format.h>

namespace pillar {

double Monitor::of(const std::vector<std::pair<std::string, double>>& values) const {
  std::string names;
  for (const auto& [own, value] : values) {
    if (own == name) return value;
    names += (names.empty() ? "" : ", ") + own;
  }
  fail(ErrorCategory::usage, "the best checkpoint goes by '{}', but a validation measures {}", name, names);
}

}  // namespace pillar
