#include "support/statistics.h"

#include <cmath>

#include <fmt/format.h>

namespace pillar {

void add_bootstrap_options(CLI::App& command, BootstrapOptions& options, const std::string& seed_of) {
  const char* group = "Statistics";
  command.add_option("--bootstrap", options.replicates, "replicates for the intervals; 0: none")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str()
      ->group(group);
  command.add_option("--confidence", options.confidence)
      ->check(CLI::Range(0.5, 0.9999))
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", options.seed, "of " + seed_of)
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  command.add_option("--jobs,-j", options.threads, "threads of the resampling; 0: one a processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(group);
}

std::string interval_text(const Interval& interval, int digits) {
  if (std::isnan(interval.value)) return "not defined";
  if (std::isnan(interval.low)) return fmt::format("{:.{}f}", interval.value, digits);
  return fmt::format("{:.{}f} ({:.{}f} to {:.{}f})", interval.value, digits, interval.low, digits,
                     interval.high, digits);
}

}  // namespace pillar
