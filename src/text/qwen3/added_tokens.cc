#include "text/qwen3/added_tokens.h"

#include "text/qwen3/unicode_text.h"

#include <algorithm>

namespace pillar {
namespace {

// What Rust's regex crate, with which the reference looks around added tokens, means by \w and \s: properties
// of Unicode (UTS 18, annex C) that Oniguruma knows by name.
constexpr std::string_view kWordCharacter = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}])";
constexpr std::string_view kSpace = R"(\p{White_Space})";

}  // namespace

AddedTokenSearch::AddedTokenSearch(std::vector<AddedToken> tokens)
    : word_character_(kWordCharacter, ExpressionSyntax::regex), space_(kSpace, ExpressionSyntax::regex) {
  std::stable_sort(tokens.begin(), tokens.end(), [](const AddedToken& a, const AddedToken& b) {
    return a.sought.size() > b.sought.size();
  });
  for (AddedToken& token : tokens)
    by_first_byte_[static_cast<std::uint8_t>(token.sought.front())].push_back(std::move(token));
}

const AddedToken* AddedTokenSearch::longest_at(std::string_view text, std::size_t at) const {
  for (const AddedToken& token : by_first_byte_[static_cast<std::uint8_t>(text[at])]) {
    if (text.substr(at).starts_with(token.sought)) return &token;
  }
  return nullptr;
}

bool AddedTokenSearch::stands_alone(std::string_view text, MatchedRange range, MatchScratch& scratch) const {
  if (range.begin > 0 && word_character_.match_at(text, begin_of_character(text, range.begin), scratch))
    return false;
  return range.end == text.size() || !word_character_.match_at(text, range.end, scratch);
}

std::size_t AddedTokenSearch::end_of_space(std::string_view text, std::size_t from,
                                           MatchScratch& scratch) const {
  while (from < text.size()) {
    const auto length = space_.match_at(text, from, scratch);
    if (!length) break;
    from += *length;
  }
  return from;
}

void AddedTokenSearch::cut(std::string_view text, MatchScratch& scratch,
                           const std::function<void(std::string_view)>& take_text,
                           const std::function<void(std::int32_t)>& take_token) const {
  std::size_t taken = 0;     // up to here
  MatchedRange space{0, 0};  // the white space after a token that was looked at last
  for (std::size_t at = 0; at < text.size();) {
    const AddedToken* token = longest_at(text, at);
    if (token == nullptr) {
      ++at;
      continue;
    }
    MatchedRange range{at, at + token->sought.size()};
    at = range.end;  // also where it is not taken, and nothing shorter is
    if (token->single_word && !stands_alone(text, range, scratch)) continue;
    while (token->takes_left_space && range.begin > taken) {
      const std::size_t before = begin_of_character(text, range.begin);
      if (!space_.match_at(text, before, scratch)) break;
      range.begin = before;
    }
    if (token->takes_right_space) {
      if (range.end < space.begin || range.end > space.end)
        space = {range.end, end_of_space(text, range.end, scratch)};
      range.end = space.end;
    }
    // As in the reference, a token that begins in the white space which the one before it took is taken too.
    if (range.begin > taken) take_text(text.substr(taken, range.begin - taken));
    take_token(token->id);
    taken = range.end;
  }
  if (taken < text.size()) take_text(text.substr(taken));
}

}  // namespace pillar
