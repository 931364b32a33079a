// Internal: final_results.json of this program or of the public engine, as an audit reads it.
#pragma once

#include "pillar/core/file.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

struct CategoryResult {
  std::uint32_t category = 0;
  std::string_view stored;  // unescaped_json() gives the text
};

struct ReportResult {
  std::string accession;
  std::string_view stored_raw, stored_no_comparison, stored_findings;  // empty where there is none
  std::vector<CategoryResult> categories;
};

struct RateResults {
  std::unique_ptr<MappedFile> file;  // that the stored texts are views of
  std::vector<ReportResult> reports;
  std::vector<std::string> questions;             // as they are met
  std::vector<std::string> question_categories;   // of each
  std::vector<std::string> categories;            // of findings
  std::vector<std::vector<std::int8_t>> answers;  // by report: 1 yes, 0 no, -1 none; may be shorter than Q
  std::string labeller;  // what says of itself that it is no language model; else empty
};

// Throws Error(io | input) naming the file and the byte or accession.
RateResults read_rate_results(const std::filesystem::path& final_results);

}  // namespace pillar
