#include "rate/rate_questions.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/labels/question_list.h"

#include "rate/question_id.h"

#include <unordered_map>

#include <fmt/format.h>

namespace pillar {

RateQuestions load_rate_questions(const std::filesystem::path& file) {
  const QuestionList list = load_question_list(file);
  RateQuestions result;
  result.modality = list.modality;
  result.notes = list.notes;
  std::unordered_map<std::string, std::size_t> places;
  for (const QuestionCategory& category : list.all_categories) {
    if (category.description.empty())
      result.notes.add(fmt::format("{}: category '{}' has no description: its name serves as one",
                                   file.string(), printable(category.name)));
    places.emplace(category.name, result.categories.size());
    result.categories.push_back(
        {category.name, category.description.empty() ? category.name : category.description, {}});
  }
  std::unordered_map<std::string, std::string> texts;
  for (std::size_t i = 0; i < list.questions.size(); ++i) {
    RateQuestion question{question_id(list.questions[i]), list.questions[i], places.at(list.categories[i])};
    const auto [same, is_new] = texts.emplace(question.id, question.text);
    if (!is_new) {
      fail(ErrorCategory::input, "{}: '{}' and '{}' have the same id {}: change a word of one", file,
           printable(same->second), printable(question.text), question.id);
    }
    result.categories[question.category].questions.push_back(i);
    result.questions.push_back(std::move(question));
  }
  return result;
}

}  // namespace pillar
