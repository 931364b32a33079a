#include "pillar/core/csv.h"
#include "pillar/metrics/comparison.h"

#include "metrics/csv_cell.h"
#include "metrics/json/kinds.h"
#include "metrics/shared/run_folder.h"

#include <fmt/format.h>

namespace pillar {
namespace {

void write_compare_csv(const std::filesystem::path& file, const Comparison& comparison) {
  CsvTable table;
  table.header = {"run",          "baseline",       "question",   "category",    "num_positive",
                  "num_negative", "baseline_auroc", "auroc",      "difference",  "low",
                  "high",         "verdict",        "delong_low", "delong_high", "delong_p"};
  for (const RunComparison& run : comparison.comparisons) {
    for (const QuestionComparison& q : run.questions) {
      table.rows.push_back({run.run, comparison.runs.front().name, q.question, q.category,
                            fmt::format("{}", q.num_positive), fmt::format("{}", q.num_negative),
                            csv_cell(q.baseline_auroc), csv_cell(q.auroc), csv_cell(q.difference.value),
                            csv_cell(q.difference.low), csv_cell(q.difference.high), to_string(q.verdict),
                            csv_cell(q.delong.difference.low), csv_cell(q.delong.difference.high),
                            csv_cell(q.delong.p)});
    }
  }
  write_csv(file, table);
}

}  // namespace

const char* to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::win:
      return "win";
    case Verdict::loss:
      return "loss";
    default:
      return "tie";
  }
}

void write_comparison(const std::filesystem::path& folder, const Comparison& comparison,
                      const RunRecord& record) {
  make_run_folder(folder);
  write_compare_csv(folder / "compare.csv", comparison);
  write_comparison_json(folder, comparison, record);
}

}  // namespace pillar
