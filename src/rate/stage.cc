#include "pillar/rate/stage.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <array>
#include <set>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::array kAllStages = {RateStage::remove_comparisons, RateStage::extract_findings,
                                   RateStage::map_categories, RateStage::process_questions};

RateStage stage_named(const std::string& name) {
  std::vector<std::string> names = {"all"};
  for (const RateStage stage : kAllStages) {
    if (name == to_string(stage)) return stage;
    names.emplace_back(to_string(stage));
  }
  const std::string near = nearest_name(name, names);
  fail(ErrorCategory::usage,
       "'{}' is no stage{}; there are all, remove-comparisons, extract-findings, map-categories and "
       "process-questions",
       printable(name), near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near));
}

}  // namespace

const char* to_string(RateStage stage) noexcept {
  switch (stage) {
    case RateStage::remove_comparisons:
      return "remove-comparisons";
    case RateStage::extract_findings:
      return "extract-findings";
    case RateStage::map_categories:
      return "map-categories";
    case RateStage::process_questions:
      break;
  }
  return "process-questions";
}

std::vector<RateStage> parse_rate_stages(const std::string& text) {
  if (text == "all") return {kAllStages.begin(), kAllStages.end()};
  std::set<RateStage> stages;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    stages.insert(stage_named(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return {stages.begin(), stages.end()};
}

}  // namespace pillar
