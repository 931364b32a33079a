// Internal: what a language model wrote, read as an answer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

enum class SpokenVerdict { yes, no, uncertain };
const char* to_string(SpokenVerdict verdict) noexcept;  // "Yes"

// What is left when a model has thought: the text after the last "</think>", without white space around it.
// Empty where a think block was begun and not ended, as when the model ran out of tokens.
std::string_view without_thinking(std::string_view text);

struct SpokenAnswer {
  SpokenVerdict verdict = SpokenVerdict::no;
  std::string quote;  // of a JSON answer that has one
};

// Yes or No in the forms that models give them: "Yes.", "**no**", "Answer: No", "Yes, there is a nodule.", a
// last line "Answer: yes" below an explanation, {"answer": "Yes"}, {"present": false}, JSON in a code fence.
// `with_uncertain`: Uncertain too. Unset for all else, and where a text says both.
std::optional<SpokenAnswer> read_answer(std::string_view text, bool with_uncertain);

// The answers to the questions of a category, by number from 1: {"1": "Yes", "2": {"answer": "No", "quote":
// ""}}. Unset where the text is no JSON object; an element is unset where that answer is unclear.
std::optional<std::vector<std::optional<SpokenAnswer>>> read_answers(std::string_view text, std::size_t count,
                                                                     bool with_uncertain);

// Each run of white space as one space, none at the ends.
std::string folded_spaces(std::string_view text);
// Whether the quote, its white space folded, stands in the folded text, beginning and ending at word
// boundaries. An empty quote does not.
bool stands_in(std::string_view quote, std::string_view folded_text);

}  // namespace pillar
