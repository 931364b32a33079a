// Internal: JSON as Python's json module writes it, where NaN may stand for a value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>

namespace pillar {

// Characters of the text, with a bare NaN outside of strings read as null.
class NanAsNull {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  NanAsNull(std::string_view text, std::size_t at) : text_(text), at_(at) { look(); }
  const char& operator*() const { return null_ != nullptr ? *null_ : text_[at_]; }
  NanAsNull& operator++() {
    if (null_ != nullptr) {
      if (*++null_ != '\0') return *this;
      null_ = nullptr;
      at_ += 3;
    } else {
      step_over(text_[at_++]);
    }
    look();
    return *this;
  }
  NanAsNull operator++(int) {
    NanAsNull before = *this;
    ++*this;
    return before;
  }
  bool operator==(const NanAsNull& other) const { return at_ == other.at_ && null_ == other.null_; }

 private:
  void step_over(char c) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '"') {
      in_string_ = !in_string_;
    } else if (c == '\\') {
      escaped_ = in_string_;
    }
  }
  void look() {
    if (!in_string_ && text_.substr(std::min(at_, text_.size()), 3) == "NaN") null_ = "null";
  }

  std::string_view text_;
  std::size_t at_;
  const char* null_ = nullptr;
  bool in_string_ = false, escaped_ = false;
};

}  // namespace pillar
