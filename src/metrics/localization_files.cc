// What a localisation benchmark leaves on disk.
#include "pillar/core/csv.h"
#include "pillar/metrics/localization.h"

#include "metrics/csv_cell.h"
#include "metrics/json/kinds.h"
#include "metrics/shared/run_folder.h"

#include <fmt/format.h>

namespace pillar {
namespace {

void add_interval_columns(const std::string& name, std::vector<std::string>& header) {
  for (const char* end : {"", "_low", "_high"}) header.push_back(name + end);
}

CsvTable localization_table(const LocalizationEvaluation& evaluation) {
  CsvTable table;
  table.header = {"question", "auroc", "studies", "lesions", "shortcut"};
  for (const char* way : {"", "prior_", "chance_"}) {
    for (const char* number : {"hit", "energy_inside", "average_precision", "best_dice", "fixed_dice"})
      add_interval_columns(fmt::format("{}{}", way, number), table.header);
  }
  add_interval_columns("hit_above_prior", table.header);
  add_interval_columns("hit_above_chance", table.header);
  for (const double most : kFalsePlacesPerScan)
    add_interval_columns(fmt::format("found_at_{}_false", most), table.header);
  for (const QuestionLocalization& question : evaluation.questions) {
    std::vector<std::string> row = {question.question, csv_cell(question.auroc),
                                    fmt::format("{}", question.studies), fmt::format("{}", question.lesions),
                                    question.shortcut ? "yes" : "no"};
    for (const LocalizationIntervals* way : {&question.evidence, &question.prior, &question.chance}) {
      for (const Interval* number :
           {&way->hit, &way->energy_inside, &way->average_precision, &way->best_dice, &way->fixed_dice})
        add_interval_cells(*number, row);
    }
    add_interval_cells(question.hit_above_prior, row);
    add_interval_cells(question.hit_above_chance, row);
    for (const Interval& found : question.lesions_found) add_interval_cells(found, row);
    row.resize(table.header.size());
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

void write_localization(const std::filesystem::path& run_folder, const LocalizationEvaluation& evaluation,
                        const RunRecord& record) {
  make_run_folder(run_folder);
  write_csv(run_folder / "localization.csv", localization_table(evaluation));
  write_localization_json(run_folder, evaluation, record);
}

}  // namespace pillar
