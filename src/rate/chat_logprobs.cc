#include "rate/chat_logprobs.h"

#include <cctype>
#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using nlohmann::json;

// The token's letters in lower case: " Yes", "**yes" and "YES" are "yes".
std::string letters_of(const json& entry) {
  std::string letters;
  if (!entry.is_object() || !entry.contains("token") || !entry["token"].is_string()) return letters;
  for (const unsigned char c : entry["token"].get_ref<const std::string&>()) {
    if (std::isalpha(c) != 0) letters += static_cast<char>(std::tolower(c));
  }
  return letters;
}

bool is_answer_word(const std::string& letters) {
  return letters == "yes" || letters == "no" || letters == "uncertain";
}

double probability_of(const json& entry) {
  if (!entry.contains("logprob") || !entry["logprob"].is_number()) return 0;
  const double probability = std::exp(entry["logprob"].get<double>());
  return std::isfinite(probability) ? probability : 0;
}

// Adds the token's probability where it is one of the words.
void add_word(const json& entry, double& yes, double& all) {
  const std::string letters = letters_of(entry);
  if (!is_answer_word(letters)) return;
  const double probability = probability_of(entry);
  all += probability;
  if (letters == "yes") yes += probability;
}

}  // namespace

std::optional<double> yes_probability(const json& choice) {
  const auto logprobs = choice.find("logprobs");
  if (logprobs == choice.end() || !logprobs->is_object()) return std::nullopt;
  const auto content = logprobs->find("content");
  if (content == logprobs->end() || !content->is_array()) return std::nullopt;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < content->size(); ++i) {
    const json& entry = (*content)[i];
    if (entry.is_object() && entry.contains("token") && entry["token"].is_string() &&
        entry["token"].get_ref<const std::string&>().find("</think>") != std::string::npos)
      begin = i + 1;
  }
  for (std::size_t i = begin; i < content->size(); ++i) {
    const json& entry = (*content)[i];
    if (!is_answer_word(letters_of(entry))) continue;
    double yes = 0, all = 0;
    const auto top = entry.find("top_logprobs");
    if (top != entry.end() && top->is_array() && !top->empty()) {
      for (const json& other : *top) add_word(other, yes, all);
    } else {
      add_word(entry, yes, all);
    }
    return all > 0 ? std::optional(yes / all) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace pillar
