// Internal: the draw of an audit.
#pragma once

#include "pillar/rate/audit.h"

#include "rate/results_file.h"

#include <cstddef>
#include <string>
#include <vector>

namespace pillar {

struct DrawnLabel {
  std::size_t report = 0, question = 0;
  bool predicted = false;
  std::string stratum;
  double weight = 1;  // how many labels of all it stands for (Hansen and Hurwitz, 1943)
};

// Of each stratum half of the budget, or all that there is: first a question, each as likely, then a report,
// each as likely. In the order of the draw.
std::vector<DrawnLabel> draw_labels(const RateResults& results, std::int64_t budget, AuditStrata strata,
                                    std::uint64_t seed);

struct DrawnCategory {
  std::size_t report = 0;
  CategoryResult text;
};
// Of each category `budget`, 70 % of them with findings where there are as many.
std::vector<DrawnCategory> draw_categories(const RateResults& results, std::int64_t budget,
                                           std::uint64_t seed);

// Reports that have a text without comparisons or findings.
std::vector<std::size_t> draw_findings(const RateResults& results, std::int64_t budget, std::uint64_t seed);

}  // namespace pillar
