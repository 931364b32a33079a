// Internal: tokens that stand for themselves wherever a text has them, before it is split into words.
#pragma once

#include "text/qwen3/expression.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

// An entry of `added_tokens` of a tokenizer.json.
struct AddedToken {
  std::string content;
  std::string sought;  // what it looks like in a text: `content`, normalized where it is looked for so
  std::int32_t id = 0;
  bool is_special = false;         // left out of decoded text
  bool single_word = false;        // only where no letter, digit or the like touches it
  bool takes_left_space = false;   // lstrip: white space before it belongs to it
  bool takes_right_space = false;  // rstrip
  bool is_normalized =
      false;  // looked for in normalized text, as it is itself normalized; else in the text as it came
};

// Looks for several added tokens at once. Of those that begin at one place the longest is taken.
class AddedTokenSearch {
 public:
  explicit AddedTokenSearch(std::vector<AddedToken> tokens);

  // Calls `take_text` for what lies between tokens, never with an empty text, and `take_token` for their ids,
  // in the text's order.
  void cut(std::string_view text, MatchScratch& scratch,
           const std::function<void(std::string_view)>& take_text,
           const std::function<void(std::int32_t)>& take_token) const;

 private:
  const AddedToken* longest_at(std::string_view text, std::size_t at) const;
  bool stands_alone(std::string_view text, MatchedRange range, MatchScratch& scratch) const;
  std::size_t end_of_space(std::string_view text, std::size_t from, MatchScratch& scratch) const;

  std::array<std::vector<AddedToken>, 256> by_first_byte_;  // the longest first
  Expression word_character_, space_;
};

}  // namespace pillar
