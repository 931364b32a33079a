#include "pillar/core/file.h"
#include "pillar/viz/label_pages.h"

#include "viz/report/report_html.h"
#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <fmt/format.h>

namespace pillar {
namespace {

using viz::count_cell;
using viz::decimals;
using viz::escape_html;
using viz::figure;
using viz::number_cell;
using viz::range_cell;
using viz::range_text;

std::string rate_cells(const Interval& rate) {
  return number_cell(rate.value, decimals(rate.value)) + range_cell(range_text(rate));
}

std::string rates_row(const std::string& name, std::int64_t items, const LabelRates& rates) {
  return fmt::format("<tr><td>{}</td>{}{}{}{}{}{}{}{}</tr>\n", escape_html(name), count_cell(items),
                     rate_cells(rates.accuracy), rate_cells(rates.sensitivity), rate_cells(rates.specificity),
                     rate_cells(rates.ppv), rate_cells(rates.npv), rate_cells(rates.f1),
                     rate_cells(rates.kappa));
}

std::string rates_section(const std::string& title, const std::string& about, const std::string& rows) {
  std::vector<viz::Column> columns = {{"", "words"}, {"reviewed", "number"}};
  for (const char* name : {"accuracy", "sensitivity", "specificity", "PPV", "NPV", "F1", "kappa"}) {
    columns.push_back({name, "number"});
    columns.push_back({"interval", "plain"});
  }
  return fmt::format(
      "<section class=\"rows\">\n<h2>{}</h2>\n<p class=\"note\">{}</p>\n<div class=\"scroll\"><table "
      "class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      escape_html(title), escape_html(about), viz::table_head(columns), rows);
}

std::string named_rows(const std::vector<NamedQuality>& list, bool weighted) {
  std::string rows;
  for (const NamedQuality& named : list) {
    rows += rates_row(named.name, named.quality.items,
                      weighted ? named.quality.weighted : named.quality.unweighted);
  }
  return rows;
}

std::string texts_section(const std::vector<TextQuality>& texts) {
  if (texts.empty()) return {};
  std::string rows;
  for (const TextQuality& text : texts) {
    rows += fmt::format("<tr><td>{}</td>{}{}{}</tr>\n", escape_html(text.name), count_cell(text.items),
                        count_cell(text.correct), rate_cells(text.share));
  }
  return fmt::format(
      "<section class=\"rows\">\n<h2>Texts that reviewers found right</h2>\n<div class=\"scroll\"><table "
      "class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      viz::table_head({{"", "words"},
                       {"reviewed", "number"},
                       {"right", "number"},
                       {"share", "number"},
                       {"interval", "plain"}}),
      rows);
}

std::string reviewers_section(const std::vector<ReviewerAgreement>& reviewers) {
  if (reviewers.empty()) return {};
  std::string rows;
  for (const ReviewerAgreement& pair : reviewers) {
    rows += fmt::format("<tr><td>{}</td><td>{}</td>{}{}{}</tr>\n", escape_html(pair.first),
                        escape_html(pair.second), count_cell(pair.items), count_cell(pair.agreed),
                        number_cell(pair.kappa, decimals(pair.kappa)));
  }
  return fmt::format(
      "<section class=\"rows\">\n<h2>Reviewer against reviewer</h2>\n<div class=\"scroll\"><table "
      "class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      viz::table_head({{"first", "words"},
                       {"second", "words"},
                       {"both", "number"},
                       {"agreed", "number"},
                       {"kappa", "number"}}),
      rows);
}

constexpr const char* kWeightedAbout =
    "Each answer counts for as many labels as it stands for: this holds for all of them. Shares have "
    "Wilson's interval by the effective number of answers, F1 and kappa the bootstrap's.";
constexpr const char* kUnweightedAbout =
    "Each answer counts once. Of a sample that is half labelled Yes only PPV and NPV hold for all labels.";

std::string score_body(const LabelScore& score) {
  const LabelRates& all = score.overall.weighted;
  const std::string figures =
      figure("Accuracy", decimals(all.accuracy.value), range_text(all.accuracy)) +
      figure("Sensitivity", decimals(all.sensitivity.value), range_text(all.sensitivity)) +
      figure("Specificity", decimals(all.specificity.value), range_text(all.specificity)) +
      figure("Kappa", decimals(all.kappa.value), range_text(all.kappa)) +
      figure("Reviewed", viz::grouped(score.overall.items),
             fmt::format("{} disputed, {} cannot be said, {} not answered", score.disputed, score.unsure,
                         score.unanswered));
  const std::string overall = "All questions";
  return fmt::format("<dl class=\"figures\">\n{}</dl>\n", figures) +
         rates_section("Weighted", kWeightedAbout,
                       rates_row(overall, score.overall.items, all) + named_rows(score.categories, true)) +
         rates_section("Unweighted", kUnweightedAbout,
                       rates_row(overall, score.overall.items, score.overall.unweighted) +
                           named_rows(score.categories, false)) +
         rates_section("Questions, weighted", kWeightedAbout, named_rows(score.questions, true)) +
         texts_section(score.texts) + reviewers_section(score.reviewers);
}

}  // namespace

void write_label_score_page(const std::string& title, const LabelScore& score,
                            const std::filesystem::path& out_html) {
  const std::string about =
      score.labeller.empty() ? "Labels held against reviewers" : "Labels by " + score.labeller;
  write_file_atomic(out_html,
                    std::string_view(viz::report_html({"labels", title, about, score_body(score), true})));
}

}  // namespace pillar
