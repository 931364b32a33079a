// What batches over many inputs have in common: one bad input never stops the others, outcomes do not depend
// on which thread is faster, and what was done already is not done again.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pillar {

// The names of a batch's outputs, each given to the first input that asks for it. Calls may come from several
// threads.
class OutputNames {
 public:
  // The source that has the name already; unset if the name is this source's from now on.
  std::optional<std::filesystem::path> claim(const std::string& name, const std::filesystem::path& source);

  // Calls `claim_names` once all inputs before this one have had their turn, so that a clash of names has the
  // same outcome every time. Each input from 0 on takes its turn once. What `claim_names` throws comes out,
  // and the turn is over then too.
  void in_turn(std::size_t input, const std::function<void()>& claim_names);

 private:
  std::mutex mutex_;
  std::condition_variable turn_changed_;
  std::size_t turn_ = 0;
  std::map<std::string, std::string> owners_;  // paths as texts: they may be hundreds of thousands
};

// Writes <folder>/failures.csv, a row for each input that failed, or only the columns' names where none did.
// The columns name the input and end with the reason. Throws Error(io).
void write_failures(const std::filesystem::path& folder, const std::vector<std::string>& columns,
                    const std::vector<std::vector<std::string>>& rows);
// The same for hundreds of thousands of rows, which never stand in memory together: `next` fills a row, or
// says that there are no more.
using NextRow = std::function<bool(std::vector<std::string>& row)>;
void write_failures_by_row(const std::filesystem::path& folder, const std::vector<std::string>& columns,
                           const NextRow& next);

// Removes what a killed run left half-written in the folder; the log says how many `things` they were.
void remove_unfinished(const std::filesystem::path& folder, std::string_view things);

// How many inputs to work on at once: as many as were asked for, `by_default` where that is 0, never more
// than there are, and at least 1.
int jobs_at_once(int asked, int by_default, std::size_t inputs);

// How many of a batch's outcomes ended with the status given.
template <typename Outcome, typename Status>
std::int64_t count_status(const std::vector<Outcome>& outcomes, Status status) {
  return std::count_if(outcomes.begin(), outcomes.end(),
                       [status](const Outcome& outcome) { return outcome.status == status; });
}

// "12 written, 1 failed": counts and their words, without those of which there are none.
std::string counts_in_words(std::initializer_list<std::pair<std::int64_t, std::string_view>> counts);

}  // namespace pillar
