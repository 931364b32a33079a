#include "rave/encode/encode_left_out.h"

#include "pillar/core/csv.h"

#include <utility>

#include <spdlog/spdlog.h>

namespace pillar {

void LeftOutRecord::add(const std::filesystem::path& file, LeftOut kind, const std::string& reason) {
  EncodeLeftOut& entry = entries_[{file.parent_path(), kind, reason}];
  entry.path = entry.count == 0 ? file : file.parent_path();
  entry.kind = to_string(kind);
  entry.reason = reason;
  ++entry.count;
}

void LeftOutRecord::add_many(const std::filesystem::path& folder, LeftOut kind, const std::string& reason,
                             std::size_t count) {
  entries_[{folder, kind, reason}] = {folder, to_string(kind), static_cast<std::int64_t>(count), reason};
}

std::vector<EncodeLeftOut> LeftOutRecord::take() {
  std::vector<EncodeLeftOut> entries;
  for (auto& [key, entry] : std::exchange(entries_, {})) entries.push_back(std::move(entry));
  return entries;
}

void log_left_out(const std::vector<EncodeLeftOut>& left_out) {
  for (const EncodeLeftOut& entry : left_out) {
    // What is no DICOM at all is worth a look at most; the rest somebody may miss.
    const bool is_nothing =
        entry.kind == to_string(LeftOut::not_dicom) || entry.kind == to_string(LeftOut::own_output);
    spdlog::log(is_nothing ? spdlog::level::info : spdlog::level::warn, "{}: left out: {} ({} file{}){}{}",
                entry.path.string(), entry.kind, entry.count, entry.count == 1 ? "" : "s",
                entry.reason.empty() ? "" : ": ", entry.reason);
  }
}

void record_left_out(const std::filesystem::path& output_folder, const std::vector<EncodeLeftOut>& left_out) {
  CsvTable table;
  table.header = {"path", "class", "count", "reason"};
  for (const EncodeLeftOut& entry : left_out)
    table.rows.push_back({entry.path.string(), entry.kind, std::to_string(entry.count), entry.reason});
  write_csv(output_folder / "left_out.csv", table);
}

}  // namespace pillar
