#include "viz/report/run_facts.h"

#include "pillar/core/file.h"
#include "pillar/core/file_name.h"

#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

namespace pillar::viz {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostThumbnailBytes = 1 << 20;
constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";

std::string rows_of(const JsonPlace& object) {
  std::string rows;
  for (const auto& [name, value] : object.members()) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape_html(name),
                        escape_html(value.any_text()));
  }
  return rows;
}

std::string inputs_table(const JsonPlace& inputs) {
  std::string rows;
  for (const JsonPlace& input : inputs.items()) {
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}<br><span class=\"hash\">sha256 {}</span></td>"
        "<td class=\"number\">{} bytes</td></tr>\n",
        escape_html(input.text("what")), escape_html(input.text("path")), escape_html(input.text("sha256")),
        grouped(input.whole("bytes")));
  }
  if (rows.empty()) return {};
  return fmt::format("<div><h3>Inputs</h3>\n<table>\n{}</table></div>\n", rows);
}

std::string facts_table(const JsonPlace& metrics, const char* key, const char* title) {
  if (!metrics.has(key)) return {};
  const std::string rows = rows_of(metrics.at(key));
  if (rows.empty()) return {};
  return fmt::format("<div><h3>{}</h3>\n<table>\n{}</table></div>\n", title, rows);
}

}  // namespace

std::string made_section(const JsonPlace& metrics) {
  return fmt::format(
      "<section>\n<h2>How it was made</h2>\n<pre>{}</pre>\n<div class=\"made\">\n{}{}{}</div>\n</section>\n",
      escape_html(metrics.text("command")), inputs_table(metrics.at("inputs")),
      facts_table(metrics, "settings", "Settings"), facts_table(metrics, "versions", "Versions"));
}

std::string bootstrap_text(const JsonPlace& metrics) {
  const JsonPlace bootstrap = metrics.at("bootstrap");
  const std::int64_t replicates = bootstrap.whole("replicates");
  if (replicates == 0) return "Without intervals: no bootstrap replicates.";
  const std::string unit = bootstrap.text("unit");
  const std::int64_t units = bootstrap.whole("units");
  const bool patients = unit == "patient";
  if (!patients && unit != "study") bootstrap.at("unit").refuse("study or patient");
  return fmt::format("{:g} % percentile intervals of {} bootstrap replicates over {} {} (seed {}).",
                     100 * bootstrap.number("confidence"), grouped(replicates), grouped(units),
                     patients ? "patients" : "studies", bootstrap.whole("seed"));
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
