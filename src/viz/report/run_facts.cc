#include "viz/report/run_facts.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/core/file_name.h"

#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar::viz {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostThumbnailBytes = 1 << 20;
constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";

std::string inputs_table(const std::vector<InputRecord>& inputs) {
  if (inputs.empty()) return {};
  std::string rows;
  for (const InputRecord& input : inputs) {
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}<br><span class=\"hash\">sha256 {}</span></td>"
        "<td class=\"number\">{} bytes</td></tr>\n",
        escape_html(input.what), escape_html(input.path.string()), escape_html(input.sha256),
        grouped(static_cast<std::int64_t>(input.bytes)));
  }
  return fmt::format("<div><h3>Inputs</h3>\n<table>\n{}</table></div>\n", rows);
}

std::string facts_table(const std::vector<std::pair<std::string, std::string>>& facts, const char* title) {
  if (facts.empty()) return {};
  std::string rows;
  for (const auto& [name, value] : facts) {
    rows +=
        fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape_html(name), escape_html(value));
  }
  return fmt::format("<div><h3>{}</h3>\n<table>\n{}</table></div>\n", title, rows);
}

}  // namespace

std::string made_section(const RunHead& head) {
  return fmt::format(
      "<section>\n<h2>How it was made</h2>\n<pre>{}</pre>\n<div class=\"made\">\n{}{}{}</div>\n</section>\n",
      escape_html(head.command), inputs_table(head.inputs), facts_table(head.settings, "Settings"),
      facts_table(head.versions, "Versions"));
}

std::string bootstrap_text(const BootstrapOptions& bootstrap, const std::string& unit, std::int64_t units) {
  if (bootstrap.replicates == 0) return "Without intervals: no bootstrap replicates.";
  return fmt::format("{:g} % percentile intervals of {} bootstrap replicates over {} {} (seed {}).",
                     100 * bootstrap.confidence, grouped(bootstrap.replicates), grouped(units),
                     unit == "patient" ? "patients" : "studies", bootstrap.seed);
}

std::string RunFolder::accession_html(const std::string& accession) const {
  const fs::path page = run / "view" / (file_stem(accession) + ".html");
  std::error_code ignored;
  if (!fs::is_regular_file(page, ignored)) return escape_html(accession);
  const fs::path link =
      fs::absolute(page).lexically_normal().lexically_relative(fs::absolute(page_folder).lexically_normal());
  return fmt::format("<a href=\"{}\">{}</a>", escape_html(url_path(link.generic_string())),
                     escape_html(accession));
}

std::string RunFolder::place_html(const std::string& accession, const std::string& question) const {
  const fs::path file = run / "error_places.csv";
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return {};
  const CsvTable table = read_csv(file);
  std::array<std::size_t, 5> columns;
  const char* const names[] = {"accession", "question", "x_mm", "y_mm", "z_mm"};
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = table.column(names[i], file);
  for (const std::vector<std::string>& row : table.rows) {
    if (row[columns[0]] != accession || row[columns[1]] != question) continue;
    return escape_html(fmt::format("{}, {}, {} mm", row[columns[2]], row[columns[3]], row[columns[4]]));
  }
  return {};
}

std::string RunFolder::thumbnail_html(const std::string& accession) const {
  const fs::path file = run / "thumbnails" / (file_stem(accession) + ".png");
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return {};
  if (fs::file_size(file, ignored) < kMostThumbnailBytes) {
    const std::string bytes = read_text_file(file, kMostThumbnailBytes);
    if (bytes.starts_with(kPngStart)) {
      return fmt::format("<img alt=\"Middle slice of {}\" src=\"data:image/png;base64,{}\">",
                         escape_html(accession), base64(as_bytes(bytes)));
    }
  }
  spdlog::warn("{}: not a PNG of less than 1 MB, left out of the page", file.string());
  return {};
}

}  // namespace pillar::viz
