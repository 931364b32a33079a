#include "pillar/core/csv.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "core/shared/joined.h"

#include <algorithm>
#include <map>

#include <fmt/ranges.h>

namespace pillar {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class CsvReader {
 public:
  CsvReader(std::string_view text, const std::filesystem::path& file) : rest_(text), file_(file) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  // The next record that is no blank line; false at the end.
  bool read_record(std::vector<std::string>& record) {
    while (accept_line_end()) continue;
    record.clear();
    record_line_ = line_;
    if (rest_.empty()) return false;
    do {
      record.push_back(rest_.starts_with('"') ? quoted_field() : plain_field());
    } while (accept(','));
    if (!rest_.empty() && !accept_line_end()) fail_at(line_, "a carriage return without a line feed");
    return true;
  }

  // `line` counts from 1.
  [[noreturn]] void fail_at(std::size_t line, std::string_view fault) const {
    fail(ErrorCategory::input, "{}:{}: {}", file_, line, fault);
  }
  std::size_t record_line() const { return record_line_; }

 private:
  bool accept(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool accept_line_end() {
    const std::size_t length = rest_.starts_with('\n') ? 1 : rest_.starts_with("\r\n") ? 2 : 0;
    rest_.remove_prefix(length);
    line_ += length != 0;
    return length != 0;
  }

  std::string plain_field() {
    const std::size_t size = std::min(rest_.find_first_of(",\r\n\""), rest_.size());
    std::string field(rest_.substr(0, size));
    rest_.remove_prefix(size);
    if (rest_.starts_with('"')) fail_at(line_, "a quote inside a field that does not begin with one");
    return field;
  }

  std::string quoted_field() {
    const std::size_t first_line = line_;
    std::string field;
    rest_.remove_prefix(1);
    while (true) {
      const std::size_t size = rest_.find('"');
      if (size == std::string_view::npos) fail_at(first_line, "a quote that is never closed");
      field += rest_.substr(0, size);
      line_ += static_cast<std::size_t>(
          std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(size), '\n'));
      rest_.remove_prefix(size + 1);
      if (!accept('"')) break;
      field += '"';
    }
    if (!rest_.empty() && rest_.find_first_of(",\r\n") != 0) fail_at(line_, "text after a closing quote");
    return field;
  }

  std::string_view rest_;
  const std::filesystem::path& file_;
  std::size_t line_ = 1;
  std::size_t record_line_ = 1;
};

// Empty if the names can head a table, else what is wrong. A file without a header may have a patient's
// report where a name should be, so columns are named by their number.
std::string header_fault(const std::vector<std::string>& header) {
  std::map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i].empty()) return "a column without a name in the header";
    const auto [first, added] = places.emplace(header[i], i);
    if (!added) return fmt::format("columns {} and {} have the same name", first->second + 1, i + 1);
  }
  return header.empty() ? "no header" : "";
}

bool needs_quotes(std::string_view field) {
  return field.find_first_of(",\"\r\n") != std::string_view::npos;
}

void append_field(std::string& text, std::string_view field, bool quote) {
  if (!quote) {
    text += field;
    return;
  }
  text += '"';
  for (char c : field) text.append(c == '"' ? 2 : 1, c);
  text += '"';
}

std::vector<std::string> read_header(CsvReader& reader, std::string_view text,
                                     const std::filesystem::path& file) {
  if (text.find('\0') != std::string_view::npos) {
    fail(ErrorCategory::input, "{}: has zero bytes: not a CSV file in UTF-8", file);
  }
  std::vector<std::string> header;
  if (!reader.read_record(header)) fail(ErrorCategory::input, "{}: no header: the file is empty", file);
  if (header.size() > 1 && header.front().empty()) header.front() = kPandasIndex;
  if (const std::string fault = header_fault(header); !fault.empty())
    reader.fail_at(reader.record_line(), fault);
  return header;
}

// False at the end.
bool read_row(CsvReader& reader, std::size_t columns, std::vector<std::string>& row) {
  if (!reader.read_record(row)) return false;
  if (row.size() == columns) return true;
  reader.fail_at(reader.record_line(), fmt::format("{} fields where the header has {}", row.size(), columns));
}

std::string_view text_of(const MappedFile& mapped) {
  const ByteView bytes = mapped.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void append_record(std::string& text, const std::vector<std::string>& record) {
  for (std::size_t i = 0; i < record.size(); ++i) {
    const std::string& field = record[i];
    if (i > 0) text += ',';
    // A lone empty field would be a blank line, which readers skip; a byte order mark would be taken for the
    // file's.
    append_field(text, field,
                 needs_quotes(field) || (field.empty() && record.size() == 1) ||
                     (text.empty() && field.starts_with(kByteOrderMark)));
  }
  text += '\n';
}

}  // namespace

std::size_t CsvTable::column(std::string_view name, const std::filesystem::path& file) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found != header.end()) return static_cast<std::size_t>(found - header.begin());
  const std::string near = nearest_name(name, header);
  fail(ErrorCategory::input, "{}: no column '{}'{}; there are: {}", file, printable(name),
       near.empty() ? "" : fmt::format(" (did you mean '{}'?)", printable(near)),
       printable(fmt::format("{}", joined(header, ", ")), 500));
}

CsvTable parse_csv(std::string_view text, const std::filesystem::path& file) {
  CsvReader reader(text, file);
  CsvTable table;
  table.header = read_header(reader, text, file);
  for (std::vector<std::string> row; read_row(reader, table.header.size(), row);)
    table.rows.push_back(std::move(row));
  return table;
}

CsvTable read_csv(const std::filesystem::path& file) {
  const MappedFile mapped(file);
  return parse_csv(text_of(mapped), file);
}

std::vector<std::string> read_csv_header(const std::filesystem::path& file) {
  const MappedFile mapped(file);
  CsvReader reader(text_of(mapped), file);
  return read_header(reader, text_of(mapped), file);
}

void visit_csv(const std::filesystem::path& file, const std::vector<std::string>& columns,
               const std::function<void(std::span<const std::string_view> fields, std::size_t line)>& visit) {
  const MappedFile mapped(file);
  CsvReader reader(text_of(mapped), file);
  CsvTable table;
  table.header = read_header(reader, text_of(mapped), file);
  std::vector<std::size_t> places;
  for (const std::string& column : columns) places.push_back(table.column(column, file));
  std::vector<std::string_view> fields(columns.size());
  for (std::vector<std::string> row; read_row(reader, table.header.size(), row);) {
    for (std::size_t i = 0; i < places.size(); ++i) fields[i] = row[places[i]];
    visit(fields, reader.record_line());
  }
}

std::string format_csv(const CsvTable& table) {
  if (const std::string fault = header_fault(table.header); !fault.empty())
    fail(ErrorCategory::usage, "CSV table: {}", fault);
  std::string text;
  append_record(text, table.header);
  for (const std::vector<std::string>& row : table.rows) {
    if (row.size() != table.header.size()) {
      fail(ErrorCategory::usage, "CSV table: a row of {} fields where the header has {}", row.size(),
           table.header.size());
    }
    append_record(text, row);
  }
  return text;
}

std::string csv_field(std::string_view text) {
  std::string field;
  append_field(field, text, needs_quotes(text));
  return field;
}

void write_csv(const std::filesystem::path& file, const CsvTable& table) {
  write_file_atomic(file, std::string_view(format_csv(table)));
}

}  // namespace pillar
