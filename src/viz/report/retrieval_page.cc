#include "viz/report/pages.h"
#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pillar::viz {
namespace {

struct RecallRow {
  const char* name;
  Interval RetrievalDirection::*recall;
  double RetrievalScores::*by_chance;
};
constexpr std::array<RecallRow, 4> kRecalls = {
    {{"Recall at 1", &RetrievalDirection::recall_at_1, &RetrievalScores::recall_at_1},
     {"Recall at 5", &RetrievalDirection::recall_at_5, &RetrievalScores::recall_at_5},
     {"Recall at 10", &RetrievalDirection::recall_at_10, &RetrievalScores::recall_at_10},
     {"Recall at 50", &RetrievalDirection::recall_at_50, &RetrievalScores::recall_at_50}}};

std::string rank_text(double rank) {
  return std::isfinite(rank) ? fmt::format("{:.1f}", rank) : "–";
}

std::string recall_rows(const RetrievalDirection& direction, const RetrievalScores& chance) {
  std::string rows;
  for (const RecallRow& row : kRecalls) {
    const Interval& recall = direction.*row.recall;
    const double by_chance = chance.*row.by_chance;
    const double times = recall.value / by_chance;
    rows += fmt::format("<tr><td>{}</td>{}{}<td class=\"scale\">{}</td>{}{}</tr>\n", row.name,
                        number_cell(recall.value, decimals(recall.value)), range_cell(range_text(recall)),
                        interval_bar(recall, {}, {}, by_chance),
                        number_cell(by_chance, fmt::format("{:.4f}", by_chance)),
                        number_cell(times, std::isfinite(times) ? fmt::format("{:.1f} ×", times) : "–"));
  }
  return rows;
}

std::string rank_row(const RetrievalDirection& direction, const RetrievalScores& chance, std::int64_t pairs) {
  const Interval& rank = direction.median_rank;
  const double by_chance = chance.median_rank;
  const bool ranged = std::isfinite(rank.low) && std::isfinite(rank.high);
  return fmt::format(
      "<tr><td>Median rank of {}</td>{}{}<td class=\"scale\">{}</td>{}<td></td></tr>\n", grouped(pairs),
      number_cell(rank.value, rank_text(rank.value)),
      range_cell(ranged ? fmt::format("{}–{}", rank_text(rank.low), rank_text(rank.high)) : ""),
      interval_bar(rank, {1, std::max(2.0, static_cast<double>(pairs))}, {}, by_chance),
      number_cell(by_chance, rank_text(by_chance)));
}

std::string direction_section(const char* title, const RetrievalDirection& direction,
                              const RetrievalScores& chance, std::int64_t pairs) {
  return fmt::format(
      "<section>\n<h2>{}</h2>\n<div class=\"scroll\"><table "
      "class=\"dense\">\n{}<tbody>\n{}{}</tbody></table></div>\n</section>\n",
      title,
      table_head({{"measure", "plain"},
                  {"value", "plain number"},
                  {"interval", "plain"},
                  {scale_title("0", "", "1"), "scale"},
                  {"by chance", "plain number"},
                  {"times chance", "plain number"}}),
      recall_rows(direction, chance), rank_row(direction, chance, pairs));
}

std::string nearest_list(const std::vector<NearestStudy>& nearest, const RunFolder& folder) {
  std::string items;
  bool pictures = false;
  for (const NearestStudy& study : nearest) {
    const std::string picture = folder.thumbnail_html(study.accession);
    pictures = pictures || !picture.empty();
    items += fmt::format("<li>{}<p><b>{}</b> {}<br><span class=\"range\">score {}</span></p></li>\n",
                         picture.empty() ? "<div class=\"blank\"></div>" : picture, study.rank,
                         folder.accession_html(study.accession), decimals(study.score));
  }
  return fmt::format("<ol class=\"nearest{}\">\n{}</ol>\n", pictures ? "" : " bare", items);
}

std::string query_section(const RetrievalQuery& query, const RunFolder& folder) {
  const bool of_report = query.kind == "report";
  const std::string asked =
      of_report ? escape_html(query.text)
                : fmt::format("{}{}", folder.thumbnail_html(query.text), folder.accession_html(query.text));
  return fmt::format(
      "<section>\n<h2>Nearest studies to {}</h2>\n<div class=\"query\">{}</div>\n{}</section>\n",
      of_report ? "this report" : "this study", asked, nearest_list(query.nearest, folder));
}

}  // namespace

PageBody retrieval_page(const RetrievalMetrics& metrics, const RunFolder& folder) {
  const RetrievalEvaluation& evaluation = metrics.evaluation;
  const std::int64_t pairs = evaluation.num_pairs;
  PageBody body;
  body.about = fmt::format("Retrieval among {} pairs of scan and report", grouped(pairs));
  body.html = fmt::format(
      "<p class=\"note\">{} Recall at k: the share of queries whose match is among the first k. The stroke "
      "is what chance gives.</p>\n",
      escape_html(bootstrap_text(evaluation.bootstrap, evaluation.unit, evaluation.num_units)));
  if (metrics.query) body.html += query_section(*metrics.query, folder);
  body.html += direction_section("A scan for a report", evaluation.text_to_image, evaluation.chance, pairs) +
               direction_section("A report for a scan", evaluation.image_to_text, evaluation.chance, pairs);
  return body;
}

}  // namespace pillar::viz
