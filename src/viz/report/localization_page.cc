#include "viz/report/pages.h"
#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <fmt/format.h>

namespace pillar::viz {
namespace {

std::string hit_cells(const Interval& hit) {
  return number_cell(hit.value, decimals(hit.value)) + range_cell(range_text(hit));
}

std::string difference_cells(const Interval& difference) {
  return number_cell(difference.value, signed_decimals(difference.value)) +
         range_cell(signed_range_text(difference));
}

std::string pointing_row(const QuestionLocalization& question) {
  return fmt::format(
      "<tr><td>{}{}</td>{}{}{}<td class=\"scale\">{}</td>{}{}{}{}</tr>\n", escape_html(question.question),
      question.shortcut ? " <b>known, but not placed: a shortcut?</b>" : "",
      number_cell(question.auroc, decimals(question.auroc)), count_cell(question.studies),
      hit_cells(question.evidence.hit), interval_bar(question.evidence.hit, {}, {}, question.prior.hit.value),
      number_cell(question.prior.hit.value, decimals(question.prior.hit.value)),
      number_cell(question.chance.hit.value, decimals(question.chance.hit.value)),
      difference_cells(question.hit_above_prior), difference_cells(question.hit_above_chance));
}

std::string triple(const QuestionLocalization& question, Interval LocalizationIntervals::*number) {
  const Interval& evidence = question.evidence.*number;
  return number_cell(evidence.value, decimals(evidence.value)) + range_cell(range_text(evidence)) +
         number_cell((question.prior.*number).value, decimals((question.prior.*number).value)) +
         number_cell((question.chance.*number).value, decimals((question.chance.*number).value));
}

std::string maps_section(const LocalizationEvaluation& evaluation, const char* title,
                         Interval LocalizationIntervals::*number) {
  std::string rows;
  for (const QuestionLocalization& question : evaluation.questions)
    rows += fmt::format("<tr><td>{}</td>{}</tr>\n", escape_html(question.question), triple(question, number));
  return fmt::format(
      "<section class=\"rows\">\n<h2>{}</h2>\n<div class=\"scroll\"><table "
      "class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      title,
      table_head({{"question", "words"},
                  {"evidence", "number"},
                  {"interval", "plain"},
                  {"centre prior", "number"},
                  {"random", "number"}}),
      rows);
}

std::string lesions_section(const LocalizationEvaluation& evaluation) {
  std::string rows;
  for (const QuestionLocalization& question : evaluation.questions) {
    if (question.lesions_found.empty()) continue;
    rows += fmt::format("<tr><td>{}</td>{}", escape_html(question.question), count_cell(question.lesions));
    for (const Interval& found : question.lesions_found) rows += hit_cells(found);
    rows += "</tr>\n";
  }
  if (rows.empty()) return {};
  std::vector<Column> columns = {{"question", "words"}, {"lesions", "number"}};
  for (const double most : kFalsePlacesPerScan) {
    columns.push_back({fmt::format("{} false", most), "number"});
    columns.push_back({"interval", "plain"});
  }
  return fmt::format(
      "<section class=\"rows\">\n<h2>Lesions found, by false places a scan (FROC)</h2>\n<div "
      "class=\"scroll\"><table class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      table_head(columns), rows);
}

}  // namespace

PageBody localization_page(const LocalizationEvaluation& evaluation) {
  std::string rows;
  std::int64_t shortcuts = 0;
  for (const QuestionLocalization& question : evaluation.questions) {
    rows += pointing_row(question);
    shortcuts += question.shortcut;
  }
  PageBody body;
  body.about = fmt::format("Localisation of {} findings", grouped(std::ssize(evaluation.questions)));
  body.html = fmt::format(
      "<p class=\"note\">{} A hit: the strongest place of a map lies within {:g} mm of the finding. Centre "
      "prior: the "
      "place that would hit most training findings; random: a random point of the body. The stroke is the "
      "centre "
      "prior. {}</p>\n<section class=\"rows\">\n<h2>Pointing</h2>\n<div class=\"scroll\"><table "
      "class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      escape_html(bootstrap_text(evaluation.bootstrap, evaluation.unit, evaluation.num_units)),
      evaluation.tolerance_mm,
      shortcuts == 0
          ? ""
          : fmt::format("{} known with an AUROC of {:g} or more and not placed better than at random: their "
                        "score may come from something else than the finding.",
                        shortcuts == 1 ? "One finding is" : fmt::format("{} findings are", shortcuts),
                        evaluation.known_auroc),
      table_head({{"question", "words"},
                  {"AUROC", "number", "title=\"Of the probe\""},
                  {"studies", "number"},
                  {"hits", "number"},
                  {"interval", "plain"},
                  {scale_title("0", "0.5", "1"), "scale"},
                  {"centre prior", "number"},
                  {"random", "number"},
                  {"above prior", "number"},
                  {"interval", "plain"},
                  {"above random", "number"},
                  {"interval", "plain"}}),
      rows);
  body.html += lesions_section(evaluation);
  body.html += maps_section(evaluation, "Evidence inside the finding", &LocalizationIntervals::energy_inside);
  body.html +=
      maps_section(evaluation, "Average precision of voxels", &LocalizationIntervals::average_precision);
  body.html += maps_section(evaluation, "Best Dice", &LocalizationIntervals::best_dice);
  body.html += maps_section(evaluation, "Dice at half of the maximum", &LocalizationIntervals::fixed_dice);
  return body;
}

}  // namespace pillar::viz
