// The stages in which RATE turns reports into labels.
#pragma once

#include <string>
#include <vector>

namespace pillar {

enum class RateStage {
  remove_comparisons,  // the report without what it says of earlier examinations
  extract_findings,    // of that text, what was found
  map_categories,      // of the findings, what belongs to each category
  process_questions,   // of the report itself, Yes or No to each question; needs no other stage
};

const char* to_string(RateStage stage) noexcept;  // "remove-comparisons", as the command line has it

// "all", or names with commas between them. Each stage once, in the order in which they run. Throws
// Error(usage) naming the word that is no stage and the nearest one.
std::vector<RateStage> parse_rate_stages(const std::string& text);

}  // namespace pillar
