// CSV as RFC 4180 has it: quoted fields, doubled quotes, commas and newlines inside quotes; reads LF and
// CRLF, with or without a UTF-8 byte order mark.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

// The first column of what pandas wrote with its index, whose name is empty in the file.
inline constexpr std::string_view kPandasIndex = "Unnamed: 0";

struct CsvTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header

  // Index of a named column; throws Error(input) that lists the columns there are. `file` is for the message.
  std::size_t column(std::string_view name, const std::filesystem::path& file) const;
};

// First line is the header. Throws Error(input) with the line number on an unterminated quote, text after a
// closing quote, a row of another length, a duplicate or empty name (but for the first column, which is then
// named kPandasIndex), or no header at all. Blank lines are skipped.
CsvTable parse_csv(std::string_view text, const std::filesystem::path& file);
CsvTable read_csv(const std::filesystem::path& file);
std::vector<std::string> read_csv_header(const std::filesystem::path& file);

// For files of millions of rows: keeps none. Calls `visit` for each with the fields of `columns`, in that
// order and good until it returns, and the number of the row's line. Throws as parse_csv and CsvTable::column
// do.
void visit_csv(const std::filesystem::path& file, const std::vector<std::string>& columns,
               const std::function<void(std::span<const std::string_view> fields, std::size_t line)>& visit);

std::string format_csv(const CsvTable& table);  // LF line ends, quotes only where needed
void write_csv(const std::filesystem::path& file, const CsvTable& table);  // atomic

// One field of several in a row, as write_csv() quotes it: for tables that are too large to be held whole.
std::string csv_field(std::string_view text);

}  // namespace pillar
