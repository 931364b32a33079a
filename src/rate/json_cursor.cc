#include "rate/json_cursor.h"

#include "pillar/core/fail.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {

void JsonCursor::skip_space() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
    ++at_;
}

void JsonCursor::refuse(const char* wanted) const {
  fail(ErrorCategory::input, "{}: {} is wanted at byte {}", file_, wanted, at_);
}

bool JsonCursor::accept(char c) {
  skip_space();
  if (at_ >= text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

void JsonCursor::expect(char c) {
  if (!accept(c)) refuse(fmt::format("'{}'", c).c_str());
}

char JsonCursor::peek() {
  skip_space();
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonCursor::at_end() {
  return peek() == '\0' && at_ >= text_.size();
}

std::string_view JsonCursor::string() {
  expect('"');
  const std::size_t begin = at_;
  for (;;) {
    const std::size_t end = text_.find_first_of("\"\\", at_);
    if (end == std::string_view::npos) refuse("the end of a string");
    at_ = end + 1;
    if (text_[end] == '"') return text_.substr(begin, end - begin);
    ++at_;  // what is escaped
  }
}

std::string_view JsonCursor::value() {
  const char c = peek();
  const std::size_t begin = at_;
  if (c == '"') {
    string();
  } else if (c == '{' || c == '[') {
    std::size_t depth = 0;
    do {
      const std::size_t next = text_.find_first_of("{}[]\"", at_);
      if (next == std::string_view::npos) refuse("the end of a value");
      at_ = next;
      if (text_[next] == '"') {
        string();
        continue;
      }
      const bool opens = text_[next] == '{' || text_[next] == '[';
      depth = opens ? depth + 1 : depth - 1;
      ++at_;
    } while (depth > 0);
  } else {
    const std::size_t end = std::min(text_.find_first_of(",]} \n\t\r", at_), text_.size());
    if (end == at_) refuse("a value");
    at_ = end;
  }
  return text_.substr(begin, at_ - begin);
}

std::string unescaped_json(std::string_view stored) {
  const auto text = nlohmann::json::parse('"' + std::string(stored) + '"', nullptr, false);
  if (!text.is_string()) fail(ErrorCategory::input, "a string that is no JSON in UTF-8");
  return text.get<std::string>();
}

}  // namespace pillar
