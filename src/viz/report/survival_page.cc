#include "viz/report/pages.h"
#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <fmt/format.h>

namespace pillar::viz {
namespace {

std::string number_cells(const Interval& number) {
  return number_cell(number.value, decimals(number.value)) + range_cell(range_text(number));
}

std::string year_row(const SurvivalYear& year, std::size_t number) {
  return fmt::format("<tr><td>{}</td>{}{}{}<td class=\"scale\">{}</td>{}{}</tr>\n", number,
                     count_cell(year.num_positive), count_cell(year.num_negative), number_cells(year.auroc),
                     interval_bar(year.auroc, {}, {}, 0.5), number_cells(year.average_precision),
                     number_cell(year.pr_auc, decimals(year.pr_auc)));
}

std::string years_section(const std::vector<SurvivalYear>& years) {
  std::string rows;
  for (std::size_t y = 0; y < years.size(); ++y) rows += year_row(years[y], y + 1);
  return fmt::format(
      "<section class=\"rows\">\n<h2>Years</h2>\n<div class=\"scroll\"><table "
      "class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      table_head({{"year", "number"},
                  {"events", "number", "title=\"Studies with an event up to this year\""},
                  {"none", "number", "title=\"Studies followed up to this year without an event\""},
                  {"AUROC", "number"},
                  {"interval", "plain"},
                  {scale_title("0", "0.5", "1"), "scale"},
                  {"average precision", "number"},
                  {"interval", "plain"},
                  {"PR AUC", "number"}}),
      rows);
}

}  // namespace

PageBody survival_page(const SurvivalEvaluation& evaluation) {
  PageBody body;
  body.about = fmt::format("Risk over {} years, of {} studies with {} events", evaluation.years.size(),
                           grouped(evaluation.num_studies), grouped(evaluation.num_events));
  const std::string figures =
      figure("C-index", decimals(evaluation.concordance.value), range_text(evaluation.concordance)) +
      figure("Studies", grouped(evaluation.num_studies), "") +
      figure("Events", grouped(evaluation.num_events), "");
  body.html = fmt::format(
      "<p class=\"note\">{} A year's AUROC leaves out who was lost before it without an event. The stroke is "
      "what chance gives.</p>\n<dl class=\"figures\">\n{}</dl>\n{}",
      escape_html(bootstrap_text(evaluation.bootstrap, evaluation.unit, evaluation.num_units)), figures,
      years_section(evaluation.years));
  return body;
}

}  // namespace pillar::viz
