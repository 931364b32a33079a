// The cases of `pillar-bench rate`.
#pragma once

#include "runner.h"

#include <cstdint>
#include <filesystem>

namespace pillar::bench {

struct RateOptions {
  std::int64_t reports = 2000, questions = 93;
  int connections = 64;
  std::int64_t journal_answers = 10'000'000;
  std::int64_t audit_reports = 10'000;
  std::filesystem::path prompts;  // YAML
  std::filesystem::path folder;   // for what is written
};

std::vector<Case> rate_cases(const RateOptions& options);

}  // namespace pillar::bench
