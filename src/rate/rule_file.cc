#include "pillar/core/config.h"

#include "rate/rules.h"
#include "rate/sentences.h"

namespace pillar {
namespace {

// A list of texts; nothing where the key is absent.
std::vector<WordPattern> read_patterns(const Config& list) {
  std::vector<WordPattern> patterns;
  if (!list.exists()) return patterns;
  if (!list.is_list()) list.fail("a list of words or phrases is wanted");
  for (std::size_t i = 0; i < list.size(); ++i) {
    patterns.push_back(words_of(list.at(i).as_string(), "*"));
    if (patterns.back().empty()) list.at(i).fail("no word in it");
  }
  return patterns;
}

ScopeTerms read_scope(const Config& scope) {
  scope.allow_only({"before", "after"});
  return {read_patterns(scope.get("before")), read_patterns(scope.get("after"))};
}

}  // namespace

RuleBook load_rules(const std::filesystem::path& file) {
  const Config config = Config::load(file);
  if (!config.is_map()) config.fail("no rules: a map with questions is wanted");
  config.allow_only({"name", "skipped_sections", "scopes", "clause_ends", "comparisons", "questions"});
  RuleBook rules;
  rules.name = config.get("name").as_string(file.stem().string());
  for (const WordPattern& heading : read_patterns(config.get("skipped_sections"))) {
    std::string text;
    for (const std::string& word : heading) text += (text.empty() ? "" : " ") + word;
    rules.skipped_sections.push_back(text);
  }
  const Config scopes = config.get("scopes");
  if (scopes.exists()) {
    scopes.allow_only({"negation", "history", "family", "uncertain"});
    const auto scope = [&](const char* key) {
      return scopes.get(key).exists() ? read_scope(scopes.get(key)) : ScopeTerms{};
    };
    rules.negation = scope("negation");
    rules.history = scope("history");
    rules.family = scope("family");
    rules.uncertain = scope("uncertain");
  }
  rules.clause_ends = read_patterns(config.get("clause_ends"));
  rules.comparisons = read_patterns(config.get("comparisons"));
  const Config questions = config.get("questions");
  if (!questions.is_map()) questions.fail("a map of questions is wanted");
  for (const std::string& question : questions.keys())
    rules.questions[question] = read_patterns(questions.get(question));
  return rules;
}

}  // namespace pillar
