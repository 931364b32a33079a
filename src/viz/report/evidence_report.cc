#include "pillar/viz/evidence_report.h"

#include "pillar/core/file.h"

#include "viz/report/report_html.h"
#include "viz/report/report_parts.h"
#include "viz/report/run_facts.h"
#include "viz/viewer/text_encoding.h"

#include <fmt/format.h>

namespace pillar {
namespace {

std::string evidence_row(const EvidenceReportRow& row, const viz::RunFolder& folder) {
  const bool placed = !row.place.empty();
  return fmt::format("<tr><td>{}</td><td>{}</td>{}{}<td>{}</td>{}{}</tr>\n",
                     folder.accession_html(row.accession), viz::escape_html(row.question),
                     viz::number_cell(row.probability, viz::decimals(row.probability)),
                     viz::number_cell(row.evidence, viz::signed_decimals(row.evidence)),
                     placed ? viz::escape_html(row.place) : "–",
                     viz::number_cell(row.value, placed ? fmt::format("{:.0f}", row.value) : "–"),
                     viz::number_cell(row.share, placed ? fmt::format("{:.0f} %", 100 * row.share) : "–"));
}

}  // namespace

void write_evidence_report(const EvidenceReport& report, const std::filesystem::path& out_html) {
  const viz::RunFolder folder = {out_html.parent_path(), out_html.parent_path()};
  std::string rows;
  for (const EvidenceReportRow& row : report.rows) rows += evidence_row(row, folder);
  viz::ReportPage page;
  page.kind = "evidence";
  page.title = report.title;
  page.about = report.about;
  page.interactive = true;
  page.body = fmt::format(
      "<p class=\"note\">{}</p>\n<section class=\"rows\">\n<h2>Strongest places</h2>\n<div "
      "class=\"scroll\"><table class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      viz::escape_html(report.note),
      viz::table_head(
          {{"study", "words"},
           {"question", "words"},
           {"probability", "number"},
           {"evidence", "number", "title=\"Logit minus that of the mean study\""},
           {"strongest place", "plain"},
           {report.unit.empty() ? "value there" : viz::escape_html(report.unit) + " there", "number"},
           {"share", "number", "title=\"Of all evidence for a yes\""}}),
      rows);
  write_file_atomic(out_html, viz::report_html(page));
}

}  // namespace pillar
