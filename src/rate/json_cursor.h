// Internal: JSON of a known shape read token by token, for files of hundreds of megabytes of which little is
// looked at: strings are found, not copied.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace pillar {

class JsonCursor {
 public:
  JsonCursor(std::string_view text, const std::filesystem::path& file) : text_(text), file_(file) {}

  // White space is passed over. What is not there as it is asked for throws Error(input) naming file and
  // byte.
  bool accept(char c);
  void expect(char c);
  bool at_end();
  char peek();                // 0 at the end
  std::string_view string();  // what stands between the quotes, as it is stored
  std::string_view value();   // any value, as it is stored

  // Calls `visit(key)` for each member of an object, which must read the value.
  template <typename Visit>
  void members(const Visit& visit) {
    expect('{');
    if (accept('}')) return;
    do {
      const std::string_view key = string();
      expect(':');
      visit(key);
    } while (accept(','));
    expect('}');
  }
  // Calls `visit()` for each element of a list, which must read it.
  template <typename Visit>
  void elements(const Visit& visit) {
    expect('[');
    if (accept(']')) return;
    do visit();
    while (accept(','));
    expect(']');
  }
  [[noreturn]] void refuse(const char* wanted) const;

 private:
  void skip_space();

  std::string_view text_;
  std::filesystem::path file_;
  std::size_t at_ = 0;
};

// A stored string as it is meant. Throws Error(input) for one that is no JSON or no UTF-8.
std::string unescaped_json(std::string_view stored);

}  // namespace pillar
