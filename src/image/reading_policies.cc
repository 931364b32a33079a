#include "pillar/image/reading_policies.h"

#include "pillar/core/fail.h"

#include <array>

namespace pillar {
namespace {

constexpr std::array kGapPolicies = {GapPolicy::interpolate, GapPolicy::ignore, GapPolicy::fail};
constexpr std::array kTiltPolicies = {TiltPolicy::correct, TiltPolicy::refuse, TiltPolicy::keep};
constexpr std::array kNanPolicies = {NanPolicy::refuse, NanPolicy::air};

template <typename Policies>
auto parse_policy(std::string_view word, const Policies& policies, const char* what) {
  std::string words;
  for (const auto policy : policies) {
    if (word == to_string(policy)) return policy;
    words += fmt::format("{}{}", words.empty() ? "" : ", ", to_string(policy));
  }
  fail(ErrorCategory::usage, "{} '{}'; there are {}", what, word, words);
}

}  // namespace

const char* to_string(GapPolicy gaps) noexcept {
  if (gaps == GapPolicy::ignore) return "ignore";
  return gaps == GapPolicy::fail ? "fail" : "interpolate";
}

const char* to_string(TiltPolicy tilt) noexcept {
  if (tilt == TiltPolicy::keep) return "keep";
  return tilt == TiltPolicy::refuse ? "refuse" : "correct";
}

const char* to_string(NanPolicy nan) noexcept {
  return nan == NanPolicy::air ? "air" : "refuse";
}

GapPolicy parse_gap_policy(std::string_view word) {
  return parse_policy(word, kGapPolicies, "gaps");
}

TiltPolicy parse_tilt_policy(std::string_view word) {
  return parse_policy(word, kTiltPolicies, "gantry tilt");
}

NanPolicy parse_nan_policy(std::string_view word) {
  return parse_policy(word, kNanPolicies, "nan");
}

std::map<std::string, std::string> changed_policies(const ReadingPolicies& policies) {
  const ReadingPolicies defaults;
  std::map<std::string, std::string> changed;
  if (policies.gaps != defaults.gaps) changed["gaps"] = to_string(policies.gaps);
  if (policies.gantry_tilt != defaults.gantry_tilt) changed["gantry_tilt"] = to_string(policies.gantry_tilt);
  if (policies.nan != defaults.nan) changed["nan"] = to_string(policies.nan);
  return changed;
}

}  // namespace pillar
