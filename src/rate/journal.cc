#include "rate/journal.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <array>
#include <charconv>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <zlib.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kKind = "libpillar-rate-journal";
constexpr const char* kVersion = "1";
constexpr std::size_t kChecksum = 8;  // hex digits
constexpr std::string_view kStageLetters = "cfmq";

std::uint32_t checksum(std::string_view text) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const unsigned char*>(text.data()), text.size()));
}

void append_escaped(std::string& line, std::string_view field) {
  line += '\t';
  while (!field.empty()) {
    const std::size_t plain = std::min(field.find_first_of("\\\t\n\r"), field.size());
    line += field.substr(0, plain);
    field.remove_prefix(plain);
    if (field.empty()) return;
    line += '\\';
    line += field[0] == '\t' ? 't' : field[0] == '\n' ? 'n' : field[0] == '\r' ? 'r' : '\\';
    field.remove_prefix(1);
  }
}

std::string unescaped(std::string_view field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\' || i + 1 == field.size()) {
      text += field[i];
      continue;
    }
    const char c = field[++i];
    text += c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
  }
  return text;
}

// The record without its checksum and line end; unset where it is not whole.
std::optional<std::string_view> checked_record(std::string_view line) {
  if (line.size() < kChecksum + 2 || line[kChecksum] != '\t') return std::nullopt;
  std::uint32_t stored = 0;
  const auto [end, fault] = std::from_chars(line.data(), line.data() + kChecksum, stored, 16);
  if (fault != std::errc() || end != line.data() + kChecksum) return std::nullopt;
  const std::string_view record = line.substr(kChecksum + 1);
  if (checksum(record) != stored) return std::nullopt;
  return record;
}

constexpr std::size_t kMostFields = 8;
struct Fields {
  std::array<std::string_view, kMostFields> of;
  std::size_t count = 0;
};

Fields split_fields(std::string_view record) {
  Fields fields;
  while (fields.count < kMostFields) {
    const auto* tab = static_cast<const char*>(std::memchr(record.data(), '\t', record.size()));
    const std::size_t size = tab == nullptr ? record.size() : static_cast<std::size_t>(tab - record.data());
    fields.of[fields.count++] = record.substr(0, size);
    if (tab == nullptr) break;
    record.remove_prefix(size + 1);
  }
  return fields;
}

JournalAnswer answer_of_fields(const Fields& fields) {
  const std::size_t stage =
      fields.of[1].size() == 1 ? kStageLetters.find(fields.of[1][0]) : std::string_view::npos;
  if (fields.count != kMostFields || stage == std::string_view::npos || fields.of[4].size() != 1)
    fail(ErrorCategory::input, "a record of the journal is no answer");
  return {static_cast<RateStage>(stage),
          fields.of[2],
          fields.of[3],
          static_cast<Outcome>(fields.of[4][0]),
          fields.of[5],
          fields.of[6],
          fields.of[7]};
}

std::string_view text_of_file(const MappedFile& mapped) {
  return {reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()};
}

std::string record_line(std::string_view record) {
  return fmt::format("{:08x}\t{}\n", checksum(record), record);
}

std::string header_line(const Settings& settings) {
  ordered_json json = ordered_json::object();
  for (const auto& [name, value] : settings) json[name] = value;
  std::string record = "H";
  append_escaped(record, kKind);
  append_escaped(record, kVersion);
  append_escaped(record, json.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  return record_line(record);
}

// The settings of the journal's first line; unset where the line is not whole.
std::optional<Settings> header_settings(std::string_view text) {
  const auto record = checked_record(text.substr(0, std::min(text.find('\n'), text.size())));
  if (!record) return std::nullopt;
  const Fields fields = split_fields(*record);
  if (fields.count != 4 || fields.of[0] != "H" || fields.of[1] != kKind || fields.of[2] != kVersion)
    return std::nullopt;
  const auto json = ordered_json::parse(unescaped(fields.of[3]), nullptr, false);
  Settings settings;
  if (!json.is_object()) return std::nullopt;
  for (const auto& [name, value] : json.items()) {
    if (value.is_string()) settings[name] = value.get<std::string>();
  }
  return settings;
}

// Calls `visit` for each whole record and returns where they end. What follows is what a killed process left;
// a damaged record that whole ones follow is an error.
template <typename Visit>
std::size_t visit_records(std::string_view text, const fs::path& path, const Visit& visit) {
  std::size_t begin = 0, damaged = std::string_view::npos;
  for (std::size_t line = 1; begin < text.size(); ++line) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) break;
    const auto record = checked_record(text.substr(begin, end - begin));
    if (record && damaged != std::string_view::npos) {
      fail(ErrorCategory::input,
           "{}: the record at byte {}, before line {}, is damaged: its checksum differs", path, damaged,
           line);
    }
    if (record)
      visit(*record, begin);
    else if (damaged == std::string_view::npos)
      damaged = begin;
    begin = end + 1;
  }
  return damaged == std::string_view::npos ? begin : damaged;
}

}  // namespace

std::string journal_field(std::string_view text) {
  std::string field;
  append_escaped(field, text);
  return field.substr(1);
}

JournalAnswer read_journal_answer(std::string_view journal, std::uint64_t offset, std::string& storage) {
  const std::string_view line = journal.substr(offset, journal.find('\n', offset) - offset);
  const auto record = checked_record(line);
  if (!record) fail(ErrorCategory::io, "the journal changed while it was read");
  JournalAnswer answer = answer_of_fields(split_fields(*record));
  const std::string quote = unescaped(answer.quote);
  storage = quote + unescaped(answer.text);
  answer.quote = std::string_view(storage).substr(0, quote.size());
  answer.text = std::string_view(storage).substr(quote.size());
  return answer;
}

Journal::Journal(fs::path path, const Settings& settings, bool restart, Notes& notes)
    : path_(std::move(path)) {
  if (!fs::exists(path_) || restart) write_file_atomic(path_, std::string_view(header_line(settings)));
  std::size_t whole = 0, size = 0;
  {
    const MappedFile mapped(path_);
    const std::string_view text = text_of_file(mapped);
    const auto then = header_settings(text);
    if (!then)
      fail(ErrorCategory::input, "{}: no journal of this version of pillar-rate; --restart drops it", path_);
    if (const std::string differs = differences(*then, settings); !differs.empty()) {
      fail(ErrorCategory::usage,
           "{}: its answers were got otherwise ({}); --restart drops them, another --out keeps them", path_,
           differs);
    }
    size = text.size();
    whole = visit_records(text, path_, [](std::string_view, std::size_t) {});
  }
  if (whole < size) {
    if (::truncate(path_.c_str(), static_cast<off_t>(whole)) != 0)
      fail(ErrorCategory::io, "{}: cannot cut it: {}", path_, std::strerror(errno));
    notes.add(fmt::format("{}: the last {} bytes were not written whole by a run that was killed: cut off",
                          path_.string(), size - whole));
  }
  file_.emplace(path_);
}

void Journal::replay(const JournalVisitor& visitor) const {
  const MappedFile mapped(path_);
  std::size_t records = 0;
  const auto visit = [&](std::string_view record, std::size_t begin) {
    const Fields fields = split_fields(record);
    if (fields.of[0] == "A") {
      visitor.answer(answer_of_fields(fields), begin);
    } else if (fields.of[0] == "R" && fields.count == 3) {
      visitor.report(fields.of[1], fields.of[2]);
    }
    if (++records % (1 << 20) == 0) mapped.release_pages();
  };
  visit_records(text_of_file(mapped), path_, visit);
}

std::uint64_t Journal::append_line(const std::string& line) {
  const auto offset = static_cast<std::uint64_t>(file_->size());
  if (const int reason = file_->append(line); reason != 0)
    fail(ErrorCategory::io, "{}: cannot go on: {}; what it has is whole", path_, std::strerror(reason));
  return offset;
}

void Journal::append_report(std::string_view accession, std::string_view digest) {
  std::string record = "R";
  append_escaped(record, accession);
  append_escaped(record, digest);
  append_line(record_line(record));
}

std::uint64_t Journal::append(const JournalAnswer& answer) {
  line_ = "A\t";
  line_ += kStageLetters[static_cast<std::size_t>(answer.stage)];
  append_escaped(line_, answer.accession);
  append_escaped(line_, answer.item);
  line_ += '\t';
  line_ += static_cast<char>(answer.outcome);
  append_escaped(line_, answer.p_yes);
  append_escaped(line_, answer.quote);
  append_escaped(line_, answer.text);
  return append_line(record_line(line_));
}

void Journal::sync() {
  if (const int reason = file_->sync(); reason != 0)
    fail(ErrorCategory::io, "{}: cannot be written to the disk: {}", path_, std::strerror(reason));
}

}  // namespace pillar
