#include "viz/report/pages.h"
#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <cmath>

namespace pillar::viz {
namespace {

struct Measure {
  const char* key;
  const char* name;
};
constexpr std::array<Measure, 4> kRecalls = {{{"recall_at_1", "Recall at 1"},
                                              {"recall_at_5", "Recall at 5"},
                                              {"recall_at_10", "Recall at 10"},
                                              {"recall_at_50", "Recall at 50"}}};
constexpr const char* kMedianRank = "median_rank";

std::string rank_text(double rank) {
  return std::isfinite(rank) ? fmt::format("{:.1f}", rank) : "–";
}

std::string recall_rows(const JsonPlace& direction, const JsonPlace& chance) {
  std::string rows;
  for (const Measure& measure : kRecalls) {
    const Interval recall = read_interval(direction.at(measure.key));
    const double by_chance = chance.number(measure.key);
    const double times = recall.value / by_chance;
    rows += fmt::format("<tr><td>{}</td>{}{}<td class=\"scale\">{}</td>{}{}</tr>\n", measure.name,
                        number_cell(recall.value, decimals(recall.value)), range_cell(range_text(recall)),
                        interval_bar(recall, {}, {}, by_chance),
                        number_cell(by_chance, fmt::format("{:.4f}", by_chance)),
                        number_cell(times, std::isfinite(times) ? fmt::format("{:.1f} ×", times) : "–"));
  }
  return rows;
}

std::string rank_row(const JsonPlace& direction, const JsonPlace& chance, std::int64_t pairs) {
  const Interval rank = read_interval(direction.at(kMedianRank));
  const double by_chance = chance.number(kMedianRank);
  const bool ranged = std::isfinite(rank.low) && std::isfinite(rank.high);
  return fmt::format(
      "<tr><td>Median rank of {}</td>{}{}<td class=\"scale\">{}</td>{}<td></td></tr>\n", grouped(pairs),
      number_cell(rank.value, rank_text(rank.value)),
      range_cell(ranged ? fmt::format("{}–{}", rank_text(rank.low), rank_text(rank.high)) : ""),
      interval_bar(rank, {1, std::max(2.0, static_cast<double>(pairs))}, {}, by_chance),
      number_cell(by_chance, rank_text(by_chance)));
}

std::string direction_section(const char* title, const JsonPlace& direction, const JsonPlace& chance,
                              std::int64_t pairs) {
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

std::string nearest_list(const JsonPlace& list, const RunFolder& folder) {
  std::string items;
  bool pictures = false;
  for (const JsonPlace& place : list.items()) {
    const std::string accession = place.text("accession"), picture = folder.thumbnail_html(accession);
    pictures = pictures || !picture.empty();
    items += fmt::format("<li>{}<p><b>{}</b> {}<br><span class=\"range\">score {}</span></p></li>\n",
                         picture.empty() ? "<div class=\"blank\"></div>" : picture, place.whole("rank"),
                         folder.accession_html(accession), decimals(place.number("score")));
  }
  return fmt::format("<ol class=\"nearest{}\">\n{}</ol>\n", pictures ? "" : " bare", items);
}

std::string query_section(const JsonPlace& query, const RunFolder& folder) {
  const std::string kind = query.text("kind"), words = query.text("text");
  if (kind != "accession" && kind != "report") query.at("kind").refuse("accession or report");
  const std::string asked =
      kind == "report" ? escape_html(words)
                       : fmt::format("{}{}", folder.thumbnail_html(words), folder.accession_html(words));
  return fmt::format(
      "<section>\n<h2>Nearest studies to {}</h2>\n<div class=\"query\">{}</div>\n{}</section>\n",
      kind == "report" ? "this report" : "this study", asked, nearest_list(query.at("nearest"), folder));
}

}  // namespace

PageBody retrieval_page(const JsonPlace& metrics, const RunFolder& folder) {
  const std::int64_t pairs = metrics.at("counts").whole("pairs");
  const JsonPlace chance = metrics.at("chance");
  PageBody body;
  body.about = fmt::format("Retrieval among {} pairs of scan and report", grouped(pairs));
  body.html = fmt::format(
      "<p class=\"note\">{} Recall at k: the share of queries whose match is among the first k. The stroke "
      "is what chance gives.</p>\n",
      escape_html(bootstrap_text(metrics)));
  if (metrics.has("query")) body.html += query_section(metrics.at("query"), folder);
  body.html += direction_section("A scan for a report", metrics.at("text_to_image"), chance, pairs) +
               direction_section("A report for a scan", metrics.at("image_to_text"), chance, pairs);
  return body;
}

}  // namespace pillar::viz
