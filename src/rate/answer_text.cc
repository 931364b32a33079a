#include "rate/answer_text.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using nlohmann::json;

constexpr std::string_view kSpaces = " \t\r\n\f\v";
constexpr std::string_view kDecoration = " \t\r\n\f\v*_`\"'#>";

std::string_view trimmed(std::string_view text, std::string_view characters) {
  const std::size_t begin = text.find_first_not_of(characters);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(characters) - begin + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
}

std::optional<SpokenVerdict> verdict_named(std::string_view lower, bool with_uncertain) {
  if (lower == "yes") return SpokenVerdict::yes;
  if (lower == "no") return SpokenVerdict::no;
  if (with_uncertain && lower == "uncertain") return SpokenVerdict::uncertain;
  return std::nullopt;
}

// Without "final answer:", "the answer is" and their like in front.
std::string_view without_announcement(std::string_view lower) {
  static constexpr std::array<std::string_view, 3> kBefore = {"the ", "final ", "my "};
  for (bool changed = true; changed;) {
    changed = false;
    for (const std::string_view word : kBefore) {
      if (!lower.starts_with(word)) continue;
      lower.remove_prefix(word.size());
      changed = true;
    }
  }
  if (!lower.starts_with("answer")) return lower;
  lower = trimmed(lower.substr(6), kDecoration);
  if (lower.starts_with(":")) return trimmed(lower.substr(1), kDecoration);
  if (lower.starts_with("is ")) return trimmed(lower.substr(3), ": \t*_`\"'");
  return {};
}

// A sentence that is an answer: "yes", "no, the lungs are clear". `rest`: what follows the word and its
// punctuation.
std::optional<SpokenVerdict> spoken_verdict(std::string_view lower, bool with_uncertain,
                                            std::string_view& rest) {
  lower = without_announcement(trimmed(lower, kDecoration));
  std::size_t size = 0;
  while (size < lower.size() && is_word_character(lower[size])) ++size;
  const auto verdict = verdict_named(lower.substr(0, size), with_uncertain);
  if (!verdict) return std::nullopt;
  std::string_view after = lower.substr(size);
  const std::size_t decorated = std::min(after.find_first_not_of("*_`\"'"), after.size());
  after.remove_prefix(decorated);
  const std::string_view spaced = trimmed(after, kSpaces);
  static constexpr std::array<std::string_view, 9> kEnds = {".", ",", ":",  ";",           "!",
                                                            "(", "-", "\n", "\xE2\x80\x94"};
  const bool ends = std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) {
    return after.starts_with(end) || (spaced.starts_with(end) && end != "." && end != ":");
  });
  if (!spaced.empty() && !ends) return std::nullopt;  // "no evidence of", "yes and no", "yes/no"
  rest = trimmed(spaced, " \t\r\n.,:;!(-*_`\"'");
  return verdict;
}

std::optional<SpokenVerdict> verdict_of_words(std::string_view text, bool with_uncertain) {
  const std::string lower = lower_case(trimmed(text, kDecoration));
  std::string_view rest;
  const auto first = spoken_verdict(lower, with_uncertain, rest);
  const std::size_t last_line = lower.find_last_of('\n');
  if (last_line == std::string::npos) {
    std::string_view ignored;
    const auto again = spoken_verdict(rest, with_uncertain, ignored);
    if (first && again && *again != *first && ignored.empty()) return std::nullopt;  // "yes. no."
    return first;
  }
  std::string_view ignored;
  const auto last = spoken_verdict(std::string_view(lower).substr(last_line + 1), with_uncertain, ignored);
  if (first && last && *first != *last) return std::nullopt;
  return last ? last : first;
}

// The text inside of a code fence that is all there is.
std::string_view without_fence(std::string_view text) {
  if (!text.starts_with("```") || !text.ends_with("```") || text.size() < 6) return text;
  text = text.substr(3, text.size() - 6);
  const std::size_t line = text.find('\n');
  return line == std::string_view::npos ? trimmed(text, kSpaces) : trimmed(text.substr(line), kSpaces);
}

std::optional<SpokenAnswer> answer_of_json(const json& value, bool with_uncertain) {
  if (value.is_boolean()) return SpokenAnswer{value.get<bool>() ? SpokenVerdict::yes : SpokenVerdict::no, {}};
  if (value.is_string()) {
    const auto verdict = verdict_of_words(value.get_ref<const std::string&>(), with_uncertain);
    return verdict ? std::optional(SpokenAnswer{*verdict, {}}) : std::nullopt;
  }
  if (!value.is_object()) return std::nullopt;
  const auto named = value.find("answer");
  if (named == value.end() && value.size() != 1) return std::nullopt;
  const json& said = named != value.end() ? *named : value.front();
  if (said.is_object()) return std::nullopt;
  auto answer = answer_of_json(said, with_uncertain);
  if (const auto quote = value.find("quote"); answer && quote != value.end() && quote->is_string())
    answer->quote = quote->get<std::string>();
  return answer;
}

}  // namespace

const char* to_string(SpokenVerdict verdict) noexcept {
  return verdict == SpokenVerdict::yes ? "Yes" : verdict == SpokenVerdict::no ? "No" : "Uncertain";
}

std::string_view without_thinking(std::string_view text) {
  constexpr std::string_view kEnd = "</think>";
  const std::size_t end = text.rfind(kEnd);
  if (end != std::string_view::npos) return trimmed(text.substr(end + kEnd.size()), kSpaces);
  text = trimmed(text, kSpaces);
  return text.starts_with("<think>") ? std::string_view() : text;
}

std::optional<SpokenAnswer> read_answer(std::string_view text, bool with_uncertain) {
  const std::string_view plain = without_fence(trimmed(text, kSpaces));
  if (plain.starts_with("{")) {
    const json value = json::parse(plain, nullptr, false);
    return value.is_object() ? answer_of_json(value, with_uncertain) : std::nullopt;
  }
  const auto verdict = verdict_of_words(plain, with_uncertain);
  return verdict ? std::optional(SpokenAnswer{*verdict, {}}) : std::nullopt;
}

std::optional<std::vector<std::optional<SpokenAnswer>>> read_answers(std::string_view text, std::size_t count,
                                                                     bool with_uncertain) {
  const json value = json::parse(without_fence(trimmed(text, kSpaces)), nullptr, false);
  if (!value.is_object()) return std::nullopt;
  std::vector<std::optional<SpokenAnswer>> answers(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto said = value.find(std::to_string(i + 1)); said != value.end())
      answers[i] = answer_of_json(*said, with_uncertain);
  }
  return answers;
}

std::string folded_spaces(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (const char c : text) {
    if (kSpaces.find(c) == std::string_view::npos)
      folded += c;
    else if (!folded.empty() && folded.back() != ' ')
      folded += ' ';
  }
  if (!folded.empty() && folded.back() == ' ') folded.pop_back();
  return folded;
}

bool stands_in(std::string_view quote, std::string_view folded_text) {
  const std::string wanted = folded_spaces(quote);
  if (wanted.empty()) return false;
  for (std::size_t at = 0; (at = folded_text.find(wanted, at)) != std::string_view::npos; ++at) {
    const std::size_t end = at + wanted.size();
    const bool begins =
        at == 0 || !is_word_character(folded_text[at - 1]) || !is_word_character(wanted.front());
    const bool ends = end == folded_text.size() || !is_word_character(folded_text[end]) ||
                      !is_word_character(wanted.back());
    if (begins && ends) return true;
  }
  return false;
}

}  // namespace pillar
