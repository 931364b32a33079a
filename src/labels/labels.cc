#include "pillar/labels/labels.h"

#include "labels/answer_reader.h"
#include "labels/label_readers.h"

#include <algorithm>
#include <numeric>
#include <type_traits>

#include <ATen/ops/full.h>

namespace pillar {
namespace {

// Columns in the order of their questions' names, and every row of full length.
void sort_questions(LabelTable& table) {
  std::vector<std::size_t> order(table.questions.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return table.questions[a] < table.questions[b]; });
  const auto sorted = [&](const auto& values, auto missing) {
    std::remove_cvref_t<decltype(values)> to;
    to.reserve(order.size());
    for (const std::size_t column : order) to.push_back(column < values.size() ? values[column] : missing);
    return to;
  };
  table.questions = sorted(table.questions, std::string());
  table.categories = sorted(table.categories, std::string());
  for (std::vector<std::int8_t>& row : table.answers)
    row = sorted(row, static_cast<std::int8_t>(Answer::missing));
}

bool is_table(const std::filesystem::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return ending == ".csv";
}

// 1, 0, or -1 where the answer is left out.
std::int8_t counted(Answer answer, const AnswerRules& rules) {
  switch (answer) {
    case Answer::missing:
      return rules.missing == MissingAnswers::no ? 0 : -1;
    case Answer::uncertain:
      if (rules.uncertain == UncertainAnswers::drop) return -1;
      return rules.uncertain == UncertainAnswers::yes ? 1 : 0;
    default:
      return static_cast<std::int8_t>(answer);
  }
}

}  // namespace

LabelTable load_labels(const std::filesystem::path& file, const AnswerMap& map) {
  LabelTable table;
  AnswerReader answers(file, map);
  if (is_table(file))
    read_label_csv(file, map, answers, table);
  else
    read_label_json(file, answers, table);
  answers.finish();
  sort_questions(table);
  return table;
}

Answers answers_of(const LabelTable& labels, const std::vector<std::string>& accessions,
                   const AnswerRules& rules) {
  const auto questions = static_cast<std::int64_t>(labels.questions.size());
  const auto count = static_cast<std::int64_t>(accessions.size());
  Answers answers;
  answers.given_qn = at::full({questions, count}, static_cast<std::int8_t>(Answer::missing), at::kChar);
  answers.answers_qn = at::full({questions, count}, counted(Answer::missing, rules), at::kChar);
  auto* given = answers.given_qn.mutable_data_ptr<std::int8_t>();
  auto* to = answers.answers_qn.mutable_data_ptr<std::int8_t>();
  for (std::int64_t n = 0; n < count; ++n) {
    const auto row = labels.rows.find(accessions[static_cast<std::size_t>(n)]);
    if (row == labels.rows.end()) {
      ++answers.without_row;
      answers.missing += questions;
      continue;
    }
    const std::vector<std::int8_t>& from = labels.answers[row->second];
    for (std::int64_t q = 0; q < questions; ++q) {
      const auto answer = static_cast<Answer>(from[static_cast<std::size_t>(q)]);
      if (answer == Answer::missing) ++answers.missing;
      if (answer == Answer::uncertain) ++answers.uncertain;
      given[q * count + n] = static_cast<std::int8_t>(answer);
      to[q * count + n] = counted(answer, rules);
    }
  }
  return answers;
}

}  // namespace pillar
