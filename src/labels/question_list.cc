#include "pillar/labels/question_list.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <unordered_map>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr const char* kBlank = " \t\r\n";

std::string question_of(const Config& entry) {
  const Config text = entry.is_map() ? entry.get("question") : entry;
  if (!text.exists() || text.is_map() || text.is_list())
    entry.fail("no question: {question: TEXT} or TEXT is wanted");
  const std::string question = text.as_string();
  const std::size_t begin = question.find_first_not_of(kBlank);
  if (begin == std::string::npos) text.fail("an empty question");
  return question.substr(begin, question.find_last_not_of(kBlank) - begin + 1);
}

// `places`: question -> where in the list.
void add(QuestionList& list, std::unordered_map<std::string, std::size_t>& places, const Config& entry,
         const std::string& category) {
  const std::string question = question_of(entry);
  const auto [place, is_new] = places.emplace(question, list.questions.size());
  if (is_new) {
    list.questions.push_back(question);
    list.categories.push_back(category);
    return;
  }
  list.notes.add(fmt::format("{}: '{}' stands under '{}' already", entry.where(), printable(question),
                             printable(list.categories[place->second])));
}

}  // namespace

QuestionList load_question_list(const std::filesystem::path& file) {
  const Config config = Config::load(file);
  if (!config.is_map()) config.fail("no question list: a map with categories is wanted");
  QuestionList list;
  list.modality = config.get("modality").as_string("");
  const Config categories = config.get("categories");
  if (!categories.is_map()) categories.fail("a map of categories is wanted");
  std::unordered_map<std::string, std::size_t> places;
  for (const std::string& name : categories.keys()) {
    const Config category = categories.get(name);
    list.all_categories.push_back({name, category.is_map() ? category.get("description").as_string("") : ""});
    const Config questions = category.get("questions");
    if (!questions.exists()) continue;
    if (!questions.is_list()) questions.fail("a list of questions is wanted");
    for (std::size_t i = 0; i < questions.size(); ++i) add(list, places, questions.at(i), name);
  }
  if (list.questions.empty()) categories.fail("no question in it");
  return list;
}

}  // namespace pillar
