// How long reports are for a language model: in tokens.
#pragma once

#include "pillar/text/tokenizer.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace pillar {

struct TokenLengths {
  // Tokens of each report that has text, with those that the model wants around it; the shortest first.
  std::vector<std::int64_t> sorted;
  std::int64_t empty_reports = 0;

  std::int64_t total() const;
  std::int64_t longer_than(std::int64_t tokens) const;  // how many reports
  // The least length that at least this share of the reports (0 to 1) do not exceed; 0 without reports.
  std::int64_t quantile(double share) const;
};

// Of all reports of JSON lines with sample_name and report_metadata, on all processors that this process may
// use. Throws what for_each_report() and Tokenizer::encode() throw.
TokenLengths measure_token_lengths(const std::vector<std::filesystem::path>& json_lines,
                                   const Tokenizer& tokenizer);

}  // namespace pillar
