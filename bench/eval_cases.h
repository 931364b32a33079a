// The cases of `pillar-bench eval`.
#pragma once

#include "runner.h"

#include <cstdint>

namespace pillar::bench {

struct EvalOptions {
  std::int64_t train = 20000, test = 5000, width = 1152, questions = 366;
  std::int64_t epochs = 20;  // of Adam that are measured
  std::int64_t replicates = 1000;
  int threads = 0;
};

std::vector<Case> eval_cases(const EvalOptions& options);

}  // namespace pillar::bench
