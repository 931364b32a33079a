#include "text/qwen3/expression.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <array>
#include <cstdint>
#include <string>

#include <oniguruma.h>

namespace pillar {
namespace {

// Steps back within one match, after which it is given up: some, and so many for each byte of the text.
// Oniguruma's own limit does not grow with the text, and ten million spaces are beyond it.
constexpr std::uint64_t kStepsBack = 10'000'000;
constexpr std::uint64_t kStepsBackPerByte = 16;

const OnigUChar* onig_bytes(std::string_view text) {
  return reinterpret_cast<const OnigUChar*>(text.data());
}

std::string onig_message(int code, OnigErrorInfo* info) {
  std::array<OnigUChar, ONIG_MAX_ERROR_MESSAGE_LEN> message{};
  const int length = info != nullptr ? onig_error_code_to_str(message.data(), code, info)
                                     : onig_error_code_to_str(message.data(), code);
  return printable({reinterpret_cast<const char*>(message.data()), static_cast<std::size_t>(length)});
}

void initialize_onig() {
  static const int status = [] {
    std::array<OnigEncoding, 1> encodings = {ONIG_ENCODING_UTF8};
    return onig_initialize(encodings.data(), static_cast<int>(encodings.size()));
  }();
  if (status != ONIG_NORMAL)
    fail(ErrorCategory::io, "Oniguruma does not start: {}", onig_message(status, nullptr));
}

[[noreturn]] void refuse_text(int code, std::string_view text) {
  fail(ErrorCategory::input, "a text of {} bytes cannot be split into words: {}", text.size(),
       onig_message(code, nullptr));
}

}  // namespace

struct MatchScratch::Memory {
  OnigRegion* region = onig_region_new();
  OnigMatchParam* limits = onig_new_match_param();

  Memory() = default;
  ~Memory() {
    if (region != nullptr) onig_region_free(region, 1);
    if (limits != nullptr) onig_free_match_param(limits);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
};

MatchScratch::MatchScratch() : memory_(std::make_unique<Memory>()) {
  if (memory_->region == nullptr || memory_->limits == nullptr) throw std::bad_alloc();
  onig_initialize_match_param(memory_->limits);
}

MatchScratch::~MatchScratch() = default;

struct Expression::Compiled {
  regex_t* regex = nullptr;

  Compiled() = default;
  ~Compiled() {
    if (regex != nullptr) onig_free(regex);
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
};

Expression::Expression(std::string_view pattern, ExpressionSyntax syntax) {
  initialize_onig();
  auto compiled = std::make_unique<Compiled>();
  OnigErrorInfo info{};
  const int status =
      onig_new(&compiled->regex, onig_bytes(pattern), onig_bytes(pattern) + pattern.size(), ONIG_OPTION_NONE,
               ONIG_ENCODING_UTF8,
               syntax == ExpressionSyntax::literal ? ONIG_SYNTAX_ASIS : ONIG_SYNTAX_DEFAULT, &info);
  if (status != ONIG_NORMAL) {
    compiled->regex = nullptr;  // Oniguruma has freed it
    fail(ErrorCategory::input, "the expression '{}' is not understood: {}", printable(pattern),
         onig_message(status, &info));
  }
  compiled_ = std::move(compiled);
}

Expression::~Expression() = default;
Expression::Expression(Expression&& other) noexcept = default;
Expression& Expression::operator=(Expression&& other) noexcept = default;

std::optional<MatchedRange> Expression::search(std::string_view text, std::size_t from,
                                               MatchScratch& scratch) const {
  OnigMatchParam* limits = scratch.memory_->limits;
  onig_set_retry_limit_in_match_of_match_param(limits, kStepsBack + kStepsBackPerByte * text.size());
  const OnigUChar* begin = onig_bytes(text);
  const OnigUChar* end = begin + text.size();
  OnigRegion* region = scratch.memory_->region;
  const int found = onig_search_with_param(compiled_->regex, begin, end, begin + from, end, region,
                                           ONIG_OPTION_NONE, limits);
  if (found == ONIG_MISMATCH) return std::nullopt;
  if (found < 0) refuse_text(found, text);
  return MatchedRange{static_cast<std::size_t>(region->beg[0]), static_cast<std::size_t>(region->end[0])};
}

std::optional<std::size_t> Expression::match_at(std::string_view text, std::size_t from,
                                                MatchScratch& scratch) const {
  const OnigUChar* begin = onig_bytes(text);
  const OnigUChar* end = begin + text.size();
  const int length =
      onig_match_with_param(compiled_->regex, begin, end, begin + from, scratch.memory_->region,
                            ONIG_OPTION_NONE, scratch.memory_->limits);
  if (length == ONIG_MISMATCH) return std::nullopt;
  if (length < 0) refuse_text(length, text);
  return static_cast<std::size_t>(length);
}

}  // namespace pillar
