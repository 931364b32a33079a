#include "pillar/text/token_lengths.h"

#include "pillar/core/thread_pool.h"
#include "pillar/text/report_lines.h"

#include "core/shared/object_lines.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>

namespace pillar {
namespace {

constexpr std::size_t kReportsAtOnce = 4096;  // in memory

void append_lengths(const std::vector<std::string>& reports, const Tokenizer& tokenizer,
                    std::vector<std::int64_t>& lengths) {
  const std::size_t first = lengths.size();
  lengths.resize(first + reports.size());
  parallel_for(static_cast<std::int64_t>(reports.size()), usable_processors(), [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i);
    lengths[first + index] = tokenizer.encode(reports[index]).whole_length;
  });
}

}  // namespace

std::int64_t TokenLengths::total() const {
  return std::accumulate(sorted.begin(), sorted.end(), std::int64_t{0});
}

std::int64_t TokenLengths::longer_than(std::int64_t tokens) const {
  return sorted.end() - std::upper_bound(sorted.begin(), sorted.end(), tokens);
}

std::int64_t TokenLengths::quantile(double share) const {
  if (sorted.empty()) return 0;
  const auto place = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(sorted.size()))) - 1;
  return sorted[static_cast<std::size_t>(std::clamp<std::int64_t>(place, 0, std::ssize(sorted) - 1))];
}

TokenLengths measure_token_lengths(const std::vector<std::filesystem::path>& json_lines,
                                   const Tokenizer& tokenizer) {
  TokenLengths lengths;
  std::vector<std::string> reports;
  const auto measure = [&] {
    append_lengths(reports, tokenizer, lengths.sorted);
    reports.clear();
  };
  for (const std::filesystem::path& file : json_lines) {
    for_each_report(file, [&](const ReportLine& line) {
      if (is_blank(line.report)) {
        ++lengths.empty_reports;
        return;
      }
      reports.push_back(line.report);
      if (reports.size() == kReportsAtOnce) measure();
    });
  }
  measure();
  std::sort(lengths.sorted.begin(), lengths.sorted.end());
  return lengths;
}

}  // namespace pillar
