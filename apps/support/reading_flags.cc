#include "support/reading_flags.h"

namespace pillar {

void add_reading_flags(CLI::App& command, ReadingPolicies& policies, const std::string& group) {
  command
      .add_option_function<std::string>(
          "--gaps", [&policies](const std::string& word) { policies.gaps = parse_gap_policy(word); },
          "missing or uneven slices: interpolate (from where they lie), ignore, fail")
      ->check(CLI::IsMember({"interpolate", "ignore", "fail"}))
      ->default_str(to_string(policies.gaps))
      ->group(group);
  command
      .add_option_function<std::string>(
          "--gantry-tilt",
          [&policies](const std::string& word) { policies.gantry_tilt = parse_tilt_policy(word); },
          "planes stacked off their normal: correct (to a grid along the table), refuse, keep")
      ->check(CLI::IsMember({"correct", "refuse", "keep"}))
      ->default_str(to_string(policies.gantry_tilt))
      ->group(group);
  command
      .add_option_function<std::string>(
          "--nan", [&policies](const std::string& word) { policies.nan = parse_nan_policy(word); },
          "NaN in a volume file: refuse, or take it for air")
      ->check(CLI::IsMember({"refuse", "air"}))
      ->default_str(to_string(policies.nan))
      ->group(group);
}

}  // namespace pillar
