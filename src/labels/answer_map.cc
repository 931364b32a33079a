#include "pillar/labels/answer_map.h"

#include "pillar/core/config.h"
#include "pillar/core/printable.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::array<std::pair<const char*, Answer>, 4> kAnswerKeys = {{{"yes", Answer::yes},
                                                                        {"no", Answer::no},
                                                                        {"uncertain", Answer::uncertain},
                                                                        {"missing", Answer::missing}}};

// A list of scalars, or one of them.
std::vector<Config> words_of(const Config& place) {
  if (!place.exists()) return {};
  if (place.is_map()) place.fail("a list of words is wanted");
  if (!place.is_list()) return {place};
  std::vector<Config> words;
  for (std::size_t i = 0; i < place.size(); ++i) words.push_back(place.at(i));
  return words;
}

}  // namespace

std::string fold_answer(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  text = text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(number))
    return fmt::format("{}", number == 0 ? 0.0 : number);
  std::string folded(text);
  for (char& c : folded)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return folded;
}

AnswerMap standard_answers() {
  AnswerMap map;
  for (const char* word : {"yes", "y", "true", "1"}) map.meanings[word] = Answer::yes;
  for (const char* word : {"no", "n", "false", "0"}) map.meanings[word] = Answer::no;
  for (const char* word : {"uncertain", "-1"}) map.meanings[word] = Answer::uncertain;
  for (const char* word : {"", "n/a", "na", "nan", "<na>", "null"}) map.meanings[word] = Answer::missing;
  return map;
}

AnswerMap load_answer_map(const std::filesystem::path& file) {
  const Config config = Config::load(file);
  config.allow_only({"yes", "no", "uncertain", "missing", "accession", "leave_out"});
  AnswerMap map = standard_answers();
  std::map<std::string, Answer> said;
  for (const auto& [key, answer] : kAnswerKeys) {
    for (const Config& word : words_of(config.get(key))) {
      const std::string folded = word.exists() ? fold_answer(word.as_string()) : "";
      const auto [place, is_new] = said.emplace(folded, answer);
      if (!is_new && place->second != answer)
        word.fail(fmt::format("'{}' has another meaning in this file already", printable(folded)));
      map.meanings[folded] = answer;
    }
  }
  map.accession_column = config.get("accession").as_string(map.accession_column);
  for (const Config& column : words_of(config.get("leave_out"))) map.left_out.insert(column.as_string());
  return map;
}

}  // namespace pillar
