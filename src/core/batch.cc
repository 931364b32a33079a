#include "pillar/core/batch.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"

#include "core/shared/streamed_file.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {

std::optional<std::filesystem::path> OutputNames::claim(const std::string& name,
                                                        const std::filesystem::path& source) {
  const std::lock_guard lock(mutex_);
  const auto [owner, is_new] = owners_.emplace(name, source);
  if (is_new) return std::nullopt;
  return owner->second;
}

void OutputNames::in_turn(std::size_t input, const std::function<void()>& claim_names) {
  {
    std::unique_lock lock(mutex_);
    turn_changed_.wait(lock, [&] { return turn_ == input; });
  }
  struct EndOfTurn {
    OutputNames& names;
    ~EndOfTurn() {
      {
        const std::lock_guard lock(names.mutex_);
        ++names.turn_;
      }
      names.turn_changed_.notify_all();
    }
  } const end_of_turn{*this};
  claim_names();
}

void write_failures_by_row(const std::filesystem::path& folder, const std::vector<std::string>& columns,
                           const NextRow& next) {
  StreamedFile file(folder / "failures.csv");
  const auto write = [&file](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) file << (i == 0 ? "" : ",") << csv_field(row[i]);
    file << "\n";
  };
  write(columns);
  for (std::vector<std::string> row; next(row);) write(row);
  file.commit();
}

void write_failures(const std::filesystem::path& folder, const std::vector<std::string>& columns,
                    const std::vector<std::vector<std::string>>& rows) {
  auto row = rows.begin();
  write_failures_by_row(folder, columns, [&](std::vector<std::string>& fields) {
    if (row == rows.end()) return false;
    fields = *row++;
    return true;
  });
}

void remove_unfinished(const std::filesystem::path& folder, std::string_view things) {
  const int removed = remove_stale_partials(folder);
  if (removed > 0)
    spdlog::info("{}: removed {} unfinished {} of an interrupted run", folder.string(), removed, things);
}

int jobs_at_once(int asked, int by_default, std::size_t inputs) {
  const int jobs = asked > 0 ? asked : by_default;
  return std::max(1, std::min(jobs, static_cast<int>(inputs)));
}

std::string counts_in_words(std::initializer_list<std::pair<std::int64_t, std::string_view>> counts) {
  std::string text;
  for (const auto& [count, words] : counts) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, words);
  }
  return text;
}

}  // namespace pillar
