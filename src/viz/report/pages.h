// Internal: the bodies of the pages, by kind of run. Each throws Error(input) naming file and key.
#pragma once

#include "viz/metrics_json.h"
#include "viz/report/run_facts.h"

#include <string>

namespace pillar::viz {

struct PageBody {
  std::string about;  // a line under the title, plain text
  std::string html;
};

PageBody probe_page(const JsonPlace& metrics, const RunFolder& folder);  // zero-shot too
PageBody compare_page(const JsonPlace& metrics);
PageBody retrieval_page(const JsonPlace& metrics, const RunFolder& folder);

// Search field and slider over the questions of a table, which the page's script brings to life.
std::string question_controls();

}  // namespace pillar::viz
