// Internal: what the pages of evaluations are made of.
#pragma once

#include "pillar/metrics/bootstrap.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace pillar::viz {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

std::string decimals(double value);                       // three; an en dash for what is not defined
std::string signed_decimals(double value);                // with a sign
std::string grouped(std::int64_t count);                  // "12,345"
std::string range_text(const Interval& interval);         // "0.790–0.833"; empty where there is none
std::string signed_range_text(const Interval& interval);  // "−0.010 to +0.033"

struct Column {
  std::string title;           // HTML
  std::string_view kind;       // "number", "words": sortable; "plain", "scale", "wide": not
  std::string_view more = {};  // further attributes
};
std::string table_head(const std::vector<Column>& columns);
std::string number_cell(double value, const std::string& shown);  // sorted by `value`
std::string count_cell(std::int64_t count);
std::string range_cell(const std::string& range);

struct Ends {
  double low = 0, high = 1;
  double place(double value, double width) const;  // clamped
};
// The labels at both ends and in the middle of an axis.
std::string scale_title(const std::string& low, const std::string& middle, const std::string& high);
// A dot at the value, a line over the interval; `mark`: a stroke there too (what chance gives, say).
std::string interval_bar(const Interval& interval, const Ends& ends, std::string_view classes = {},
                         double mark = kUndefined);

std::string figure(const std::string& name, const std::string& value,
                   const std::string& more);  // of dl.figures

}  // namespace pillar::viz
