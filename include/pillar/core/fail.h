// Throwing pillar::Error with a formatted message: fail(ErrorCategory::input, "{}: {} slices", path, count).
#pragma once

#include "pillar/core/error.h"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace pillar {

// A value that a message shows: text, a path, a number, true or false. Text is looked at, not copied, so a
// part lives no longer than the call that it is made for.
class MessagePart {
 public:
  template <typename T>
  explicit MessagePart(const T& value) {
    if constexpr (std::is_same_v<T, std::filesystem::path>) {
      value_ = value.string();
    } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, char>) {
      value_ = value;
    } else if constexpr (std::signed_integral<T>) {
      value_ = static_cast<std::int64_t>(value);
    } else if constexpr (std::unsigned_integral<T>) {
      value_ = static_cast<std::uint64_t>(value);
    } else if constexpr (std::floating_point<T>) {
      value_ = value;
    } else {
      value_ = std::string_view(value);
    }
  }
  const auto& value() const noexcept { return value_; }

 private:
  std::variant<std::string_view, std::string, std::int64_t, std::uint64_t, float, double, bool, char> value_;
};

// A literal with one replacement field ("{}", "{:.3f}", as of {fmt}) for each argument; another number of
// them does not compile.
template <typename... Args>
struct MessageFormat {
  template <std::size_t N>
  consteval MessageFormat(const char (&literal)[N]) : text(literal, N - 1) {
    std::size_t fields = 0;
    for (std::size_t i = 0; i + 1 < N; ++i) {
      const bool doubled = literal[i] == literal[i + 1];
      if (literal[i] == '{' && !doubled) ++fields;
      if ((literal[i] == '{' || literal[i] == '}') && doubled) ++i;  // "{{" and "}}" stand for one of them
    }
    if (fields != sizeof...(Args)) throw "as many replacement fields as arguments";
  }
  std::string_view text;
};

// Throws Error(category) with `format` filled by `parts`.
[[noreturn]] void fail_with(ErrorCategory category, std::string_view format,
                            std::span<const MessagePart> parts);

template <typename... Args>
[[noreturn]] void fail(ErrorCategory category, std::type_identity_t<MessageFormat<Args...>> format,
                       const Args&... args) {
  const std::array<MessagePart, sizeof...(Args)> parts = {MessagePart(args)...};
  fail_with(category, format.text, parts);
}

}  // namespace pillar
