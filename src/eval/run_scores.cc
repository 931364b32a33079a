#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/eval/compare.h"
#include "pillar/labels/answer_map.h"
#include "pillar/metrics/run_metrics.h"

#include "eval/finetuned_scores.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

// NumberedNames numbered as they come.
class NumberedNames {
 public:
  // Names that the list has already keep their places.
  explicit NumberedNames(std::vector<std::string>& list) : list_(list) {
    for (std::size_t i = 0; i < list_.size(); ++i) numbers_.emplace(list_[i], static_cast<std::uint32_t>(i));
  }
  std::uint32_t number(std::string_view name) {
    // Rows of one question, or of one accession, mostly follow each other.
    if (last_ < list_.size() && list_[last_] == name) return last_;
    const auto [place, is_new] =
        numbers_.emplace(std::string(name), static_cast<std::uint32_t>(list_.size()));
    if (is_new) list_.push_back(place->first);
    return last_ = place->second;
  }

 private:
  std::vector<std::string>& list_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::uint32_t last_ = 0;
};

struct Place {
  const std::filesystem::path& file;
  std::size_t line;
};

double parse_score(std::string_view text, const char* column, const Place& place) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value)) return value;
  fail(ErrorCategory::input, "{}:{}: the {} '{}' is no finite number", place.file, place.line, column,
       printable(text));
}

std::int8_t parse_answer(std::string_view text, const Place& place) {
  const std::string answer = fold_answer(text);  // 1.0, where pandas had a column with a gap
  if (answer == "1") return 1;
  if (answer == "0") return 0;
  if (answer.empty() || answer == "nan") return -1;
  fail(ErrorCategory::input, "{}:{}: the true_label '{}' is not 0, 1 or empty", place.file, place.line,
       printable(text));
}

void read_scores(RunScores& run, const std::filesystem::path& file) {
  NumberedNames accessions(run.accessions), questions(run.questions);
  visit_csv(file, {"accession", "question", "probability", "true_label"},
            [&](std::span<const std::string_view> fields, std::size_t line) {
              const Place place = {file, line};
              if (fields[0].empty() || fields[1].empty())
                fail(ErrorCategory::input, "{}:{}: an empty accession or question", file, line);
              RunScores::Score score;
              score.accession = accessions.number(fields[0]);
              score.score = parse_score(fields[2], "probability", place);
              score.answer = parse_answer(fields[3], place);
              const std::uint32_t question = questions.number(fields[1]);
              if (question >= run.scores_q.size()) run.scores_q.emplace_back();
              run.scores_q[question].push_back(score);
            });
  if (run.scores_q.empty()) fail(ErrorCategory::input, "{}: has no rows", file);
}

void sort_scores(RunScores& run, const std::filesystem::path& file) {
  for (std::size_t q = 0; q < run.scores_q.size(); ++q) {
    std::vector<RunScores::Score>& scores = run.scores_q[q];
    std::sort(scores.begin(), scores.end(),
              [](const RunScores::Score& a, const RunScores::Score& b) { return a.accession < b.accession; });
    const auto twice = std::adjacent_find(
        scores.begin(), scores.end(),
        [](const RunScores::Score& a, const RunScores::Score& b) { return a.accession == b.accession; });
    if (twice == scores.end()) continue;
    fail(ErrorCategory::input, "{}: the accession {} has two rows for the question '{}'", file,
         printable(run.accessions[twice->accession]), printable(run.questions[q]));
  }
}

// By question, the place of each accession's score; scores are sorted by accession.
RunScores::Score* score_of(std::vector<RunScores::Score>& scores, std::uint32_t accession) {
  const auto found = std::lower_bound(
      scores.begin(), scores.end(), accession,
      [](const RunScores::Score& score, std::uint32_t number) { return score.accession < number; });
  return found != scores.end() && found->accession == accession ? &*found : nullptr;
}

// Puts the scores that probabilities were made from in their place.
void replace_by_scores(RunScores& run, const std::filesystem::path& file) {
  std::size_t rows = 0, replaced = 0;
  for (const auto& scores : run.scores_q) rows += scores.size();
  std::vector<std::vector<bool>> done(run.scores_q.size());
  for (std::size_t q = 0; q < done.size(); ++q) done[q].resize(run.scores_q[q].size());
  std::vector<std::string> known_accessions = run.accessions, known_questions = run.questions;
  NumberedNames accessions(known_accessions), questions(known_questions);
  visit_csv(file, {"accession", "question", "score"},
            [&](std::span<const std::string_view> fields, std::size_t line) {
              const std::uint32_t question = questions.number(fields[1]);
              RunScores::Score* score = question < run.scores_q.size()
                                            ? score_of(run.scores_q[question], accessions.number(fields[0]))
                                            : nullptr;
              if (score == nullptr) {
                fail(ErrorCategory::input, "{}:{}: accession {} has no probability for the question '{}'",
                     file, line, printable(fields[0]), printable(fields[1]));
              }
              const auto place = static_cast<std::size_t>(score - run.scores_q[question].data());
              if (done[question][place]) {
                fail(ErrorCategory::input, "{}:{}: a second score of accession {} for the question '{}'",
                     file, line, printable(fields[0]), printable(fields[1]));
              }
              done[question][place] = true;
              score->score = parse_score(fields[2], "score", {file, line});
              ++replaced;
            });
  if (replaced != rows)
    fail(ErrorCategory::input, "{}: {} scores of {} probabilities: not of one run", file, replaced, rows);
}

// Probabilities of float32 are equal from 17 on, whatever the scores were.
void warn_of_ties(const RunScores& run, const std::filesystem::path& file) {
  std::size_t rows = 0, tied = 0;
  for (const auto& scores : run.scores_q) {
    std::vector<double> values;
    for (const RunScores::Score& score : scores)
      if (score.answer >= 0) values.push_back(score.score);
    rows += values.size();
    std::sort(values.begin(), values.end());
    for (auto it = values.begin(); it != values.end();) {
      const auto end = std::upper_bound(it, values.end(), *it);
      if (end - it > 1) tied += static_cast<std::size_t>(end - it);
      it = end;
    }
  }
  if (tied == 0) return;
  spdlog::warn(
      "{}: {} of {} probabilities equal another of their question, and the run has no exam_scores.csv to "
      "tell "
      "them apart: each such pair counts half; make the run again to rank by its scores",
      file.string(), tied, rows);
}

// What a run says of itself; one of the public evaluator says nothing.
RunQuestions said_of(const std::filesystem::path& run_folder) {
  const std::filesystem::path file = run_folder / "metrics.json";
  std::error_code error;
  return std::filesystem::exists(file, error) ? read_run_questions(file) : RunQuestions{};
}

void add_categories(RunScores& run, const RunQuestions& said) {
  run.categories.resize(run.questions.size());
  for (std::size_t q = 0; q < run.questions.size(); ++q) {
    const auto found = said.category_of.find(run.questions[q]);
    if (found != said.category_of.end()) run.categories[q] = found->second;
  }
}

}  // namespace

RunScores load_run_scores(const std::filesystem::path& run_folder) {
  RunScores run;
  run.path = run_folder;
  const std::filesystem::path whole = std::filesystem::absolute(run_folder).lexically_normal();
  run.name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  const std::filesystem::path file = run_folder / "exam_probabilities.csv";
  const std::filesystem::path scores = run_folder / "exam_scores.csv";
  std::error_code error;
  if (!std::filesystem::exists(run_folder, error)) fail(ErrorCategory::io, "{}: no such folder", run_folder);
  const RunQuestions said = said_of(run_folder);
  run.kind = said.kind;
  run.settings = said.settings;
  if (const auto predictions = finetuned_predictions(run_folder, said.kind)) {
    read_finetuned_scores(*predictions, said.are_classes, run);
    run.files = {*predictions};
  } else if (!std::filesystem::is_regular_file(file, error)) {
    fail(ErrorCategory::io, "{}: no exam_probabilities.csv in it: not the folder of a finished run",
         run_folder);
  } else {
    read_scores(run, file);
    sort_scores(run, file);
    run.files = {file};
    if (std::filesystem::exists(scores, error)) {
      replace_by_scores(run, scores);
      run.files.push_back(scores);
    } else {
      warn_of_ties(run, file);
    }
  }
  add_categories(run, said);
  return run;
}

}  // namespace pillar
