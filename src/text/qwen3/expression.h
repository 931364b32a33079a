// Internal: regular expressions over UTF-8, as Oniguruma reads them, the library that the reference splits
// with.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace pillar {

struct MatchedRange {
  std::size_t begin, end;  // bytes of the text that was searched
};

// What one search after another writes to. One for each thread.
class MatchScratch {
 public:
  MatchScratch();
  ~MatchScratch();
  MatchScratch(const MatchScratch&) = delete;
  MatchScratch& operator=(const MatchScratch&) = delete;

 private:
  friend class Expression;
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

enum class ExpressionSyntax {
  regex,    // Oniguruma's default syntax
  literal,  // every character stands for itself
};

class Expression {
 public:
  // Throws Error(input) with Oniguruma's own words for an expression that it does not take.
  Expression(std::string_view pattern, ExpressionSyntax syntax);
  ~Expression();
  Expression(Expression&& other) noexcept;
  Expression& operator=(Expression&& other) noexcept;

  // The first match in `text`, valid UTF-8, that begins at byte `from` or later. Throws Error(input) where
  // Oniguruma gives up: no memory, or many more steps back than an expression that suits its text needs.
  std::optional<MatchedRange> search(std::string_view text, std::size_t from, MatchScratch& scratch) const;

  // How many bytes match at byte `from`, unset if none do.
  std::optional<std::size_t> match_at(std::string_view text, std::size_t from, MatchScratch& scratch) const;

 private:
  struct Compiled;
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace pillar
