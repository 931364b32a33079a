#include "viz/report/report_html.h"

#include "pillar/viz/line_plot.h"

#include "viz/viewer/page.h"
#include "viz/viewer/text_encoding.h"

namespace pillar::viz {

std::string report_html(const ReportPage& page) {
  const std::string style = std::string(kReportPage.style).append(line_plot_style());
  return fill_page({kReportPage.html, style, page.interactive ? kReportPage.script : std::string_view()},
                   {{"kind", page.kind},
                    {"title", escape_html(page.title)},
                    {"about", escape_html(page.about)},
                    {"image policy", page.with_images ? "img-src data:; " : ""},
                    {"body", page.body}});
}

std::string run_name(const std::filesystem::path& run) {
  const std::filesystem::path whole = std::filesystem::absolute(run).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

}  // namespace pillar::viz
