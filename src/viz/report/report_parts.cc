#include "viz/report/report_parts.h"

#include "viz/viewer/text_encoding.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pillar::viz {
namespace {

constexpr double kBarWidth = 130;

bool has_range(const Interval& interval) {
  return std::isfinite(interval.low) && std::isfinite(interval.high);
}

}  // namespace

std::string decimals(double value) {
  return std::isfinite(value) ? fmt::format("{:.3f}", value) : "–";
}

std::string signed_decimals(double value) {
  if (!std::isfinite(value)) return "–";
  const std::string digits = fmt::format("{:.3f}", std::abs(value));
  if (digits.find_first_not_of("0.") == std::string::npos) return digits;
  return fmt::format("{}{}", value < 0 ? "−" : "+", digits);
}

std::string grouped(std::int64_t count) {
  if (count < 1000) return std::to_string(count);
  return fmt::format("{},{:03}", grouped(count / 1000), count % 1000);
}

std::string range_text(const Interval& interval) {
  if (!has_range(interval)) return {};
  return fmt::format("{}–{}", decimals(interval.low), decimals(interval.high));
}

std::string signed_range_text(const Interval& interval) {
  if (!has_range(interval)) return {};
  return fmt::format("{} to {}", signed_decimals(interval.low), signed_decimals(interval.high));
}

std::string table_head(const std::vector<Column>& columns) {
  std::string cells;
  for (const Column& column : columns) {
    const bool sortable = column.kind == "number" || column.kind == "words";
    cells += fmt::format("<th scope=\"col\" class=\"{}\"{}{}{}>{}</th>\n", column.kind,
                         sortable ? fmt::format(" data-sort=\"{}\"", column.kind) : "",
                         column.more.empty() ? "" : " ", column.more, column.title);
  }
  return fmt::format("<thead><tr>\n{}</tr></thead>\n", cells);
}

std::string number_cell(double value, const std::string& shown) {
  return fmt::format("<td class=\"number\" data-v=\"{}\">{}</td>",
                     std::isfinite(value) ? fmt::format("{:.9g}", value) : "", shown);
}

std::string count_cell(std::int64_t count) {
  return fmt::format("<td class=\"number\" data-v=\"{}\">{}</td>", count, grouped(count));
}

std::string range_cell(const std::string& range) {
  return fmt::format("<td class=\"range\">{}</td>", range);
}

double Ends::place(double value, double width) const {
  return std::clamp((value - low) / (high - low), 0.0, 1.0) * width;
}

std::string scale_title(const std::string& low, const std::string& middle, const std::string& high) {
  return fmt::format("<span><i>{}</i><i>{}</i><i>{}</i></span>", low, middle, high);
}

std::string interval_bar(const Interval& interval, const Ends& ends, std::string_view classes, double mark) {
  std::string svg = fmt::format("<svg class=\"bar{}{}\" viewBox=\"0 0 130 13\" aria-hidden=\"true\">",
                                classes.empty() ? "" : " ", classes);
  const auto place = [&](double value) { return ends.place(value, kBarWidth); };
  if (std::isfinite(mark)) svg += fmt::format("<path class=\"chance\" d=\"M{:.1f} 1v11\"/>", place(mark));
  if (has_range(interval))
    svg += fmt::format("<path d=\"M{:.1f} 6.5H{:.1f}\"/>", place(interval.low), place(interval.high));
  if (std::isfinite(interval.value))
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"6.5\" r=\"3\"/>", place(interval.value));
  return svg + "</svg>";
}

std::string figure(const std::string& name, const std::string& value, const std::string& more) {
  return fmt::format("<div><dt>{}</dt><dd><b>{}</b><span>{}</span></dd></div>\n", name, value, more);
}

}  // namespace pillar::viz
