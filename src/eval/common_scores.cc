#include "eval/common_scores.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <algorithm>
#include <unordered_map>

namespace pillar {
namespace {

using Names = std::vector<std::string>;

// In the order of the first list.
CommonNames common_names(const std::vector<const Names*>& lists, bool sorted) {
  std::unordered_map<std::string_view, std::size_t> lists_with;  // as far as all have it
  for (const std::string& name : *lists.front()) lists_with.emplace(name, 1);
  for (std::size_t i = 1; i < lists.size(); ++i) {
    for (const std::string& name : *lists[i]) {
      const auto found = lists_with.find(name);
      if (found != lists_with.end() && found->second == i) ++found->second;
    }
  }
  CommonNames common;
  for (const std::string& name : *lists.front())
    if (lists_with.at(name) == lists.size()) common.names.push_back(name);
  if (sorted) std::sort(common.names.begin(), common.names.end());
  std::unordered_map<std::string_view, std::int64_t> numbers;
  for (const std::string& name : common.names) numbers.emplace(name, std::ssize(numbers));
  for (const Names* list : lists) {
    std::vector<std::int64_t>& places = common.of_run.emplace_back();
    for (const std::string& name : *list) {
      const auto found = numbers.find(name);
      places.push_back(found == numbers.end() ? -1 : found->second);
    }
  }
  return common;
}

[[noreturn]] void fail_on_answers(const std::vector<RunScores>& runs, std::size_t a, std::size_t b,
                                  const std::string& accession, const std::string& question,
                                  int answer_of_a) {
  fail(ErrorCategory::input,
       "the answer of accession {} to '{}' is {} in {}, {} in {}: not runs on the same labels",
       printable(accession), printable(question), answer_of_a, runs[a].path, 1 - answer_of_a, runs[b].path);
}

}  // namespace

CommonNames common_accessions(const std::vector<RunScores>& runs) {
  std::vector<const Names*> lists;
  for (const RunScores& run : runs) lists.push_back(&run.accessions);
  return common_names(lists, true);
}

CommonNames common_questions(const std::vector<RunScores>& runs) {
  std::vector<const Names*> lists;
  for (const RunScores& run : runs) lists.push_back(&run.questions);
  return common_names(lists, false);
}

AlignedQuestion align_question(const std::vector<RunScores>& runs, const CommonNames& accessions,
                               const std::vector<std::size_t>& question_of_run) {
  const std::size_t studies = accessions.names.size();
  AlignedQuestion aligned;
  aligned.answers.assign(studies, -1);
  std::vector<std::size_t> runs_with(studies, 0), first_run(studies, 0);
  for (std::size_t r = 0; r < runs.size(); ++r) {
    std::vector<double>& scores = aligned.scores_of_run.emplace_back(studies, 0.0);
    const std::size_t question = question_of_run[r];
    if (aligned.category.empty()) aligned.category = runs[r].categories[question];
    for (const RunScores::Score& score : runs[r].scores_q[question]) {
      const std::int64_t place = accessions.of_run[r][score.accession];
      if (place < 0 || score.answer < 0) continue;
      const auto at = static_cast<std::size_t>(place);
      if (runs_with[at] == 0) {
        aligned.answers[at] = score.answer;
        first_run[at] = r;
      } else if (aligned.answers[at] != score.answer) {
        fail_on_answers(runs, first_run[at], r, accessions.names[at], runs[r].questions[question],
                        aligned.answers[at]);
      }
      ++runs_with[at];
      scores[at] = score.score;
    }
  }
  for (std::size_t i = 0; i < studies; ++i)
    if (runs_with[i] != runs.size()) aligned.answers[i] = -1;
  return aligned;
}

}  // namespace pillar
