// What the evaluation of a survival model leaves on disk.
#include "pillar/core/csv.h"
#include "pillar/metrics/survival.h"

#include "metrics/csv_cell.h"
#include "metrics/json/kinds.h"
#include "metrics/shared/run_folder.h"

#include <fmt/format.h>

namespace pillar {
namespace {

CsvTable table_of_years(const SurvivalEvaluation& evaluation) {
  CsvTable table;
  table.header = {"year",
                  "num_positive",
                  "num_negative",
                  "auroc",
                  "auroc_low",
                  "auroc_high",
                  "average_precision",
                  "average_precision_low",
                  "average_precision_high",
                  "pr_auc",
                  "c_index",
                  "c_index_low",
                  "c_index_high"};
  for (std::size_t y = 0; y < evaluation.years.size(); ++y) {
    const SurvivalYear& year = evaluation.years[y];
    std::vector<std::string> row = {fmt::format("{}", y + 1), fmt::format("{}", year.num_positive),
                                    fmt::format("{}", year.num_negative)};
    add_interval_cells(year.auroc, row);
    add_interval_cells(year.average_precision, row);
    row.push_back(csv_cell(year.pr_auc));
    row.resize(table.header.size());
    table.rows.push_back(std::move(row));
  }
  std::vector<std::string> all = {"all", fmt::format("{}", evaluation.num_events),
                                  fmt::format("{}", evaluation.num_studies - evaluation.num_events)};
  all.resize(table.header.size() - 3);
  add_interval_cells(evaluation.concordance, all);
  table.rows.push_back(std::move(all));
  return table;
}

}  // namespace

void write_survival(const std::filesystem::path& run_folder, const SurvivalEvaluation& evaluation,
                    const RunRecord& record) {
  make_run_folder(run_folder);
  write_csv(run_folder / "metrics.csv", table_of_years(evaluation));
  write_survival_json(run_folder, evaluation, record);
}

}  // namespace pillar
