#include "labels/answer_reader.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

constexpr std::size_t kNamedWords = 8;
constexpr std::size_t kMaxUnknownWords = 10000;  // a column of free text must not fill the memory

}  // namespace

Answer AnswerReader::meaning(std::string_view word, std::string_view accession, std::string_view question) {
  const std::string folded = fold_answer(word);
  const auto found = map_.meanings.find(folded);
  if (found != map_.meanings.end()) return found->second;
  Unknown& unknown = unknown_[folded];
  if (++unknown.count == 1)
    unknown.first_place = fmt::format("accession {}, '{}'", printable(accession), printable(question));
  if (unknown_.size() > kMaxUnknownWords) finish();
  return Answer::missing;
}

void AnswerReader::finish() const {
  if (unknown_.empty()) return;
  std::int64_t total = 0;
  std::vector<std::pair<std::string, Unknown>> words(unknown_.begin(), unknown_.end());
  for (const auto& [word, unknown] : words) total += unknown.count;
  std::stable_sort(words.begin(), words.end(),
                   [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  std::vector<std::string> named;
  for (std::size_t i = 0; i < std::min(words.size(), kNamedWords); ++i) {
    const auto& [word, unknown] = words[i];
    named.push_back(
        fmt::format("'{}' ({} times, first at {})", printable(word), unknown.count, unknown.first_place));
  }
  const std::string more =
      words.size() > named.size() ? fmt::format(" and {} other words", words.size() - named.size()) : "";
  fail(ErrorCategory::input,
       "{}: {} answers are neither yes, no, uncertain nor missing: {}{}; --label-map FILE says what they "
       "mean, "
       "or which columns of a table are no questions",
       file_, total, fmt::format("{}", fmt::join(named, ", ")), more);
}

}  // namespace pillar
