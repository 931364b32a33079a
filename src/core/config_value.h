// Internal: a parsed configuration tree. Aliases share values, so a tree of n lines never takes more than
// O(n).
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

struct ConfigValue {
  enum class Kind { null, scalar, list, map };

  Kind kind = Kind::null;
  std::string text;                                       // of a scalar
  bool quoted = false;                                    // a scalar in quotes is a string, whatever it says
  std::vector<std::shared_ptr<ConfigValue>> items;        // of a list or a map
  std::vector<std::string> keys;                          // of a map: one for each item
  std::vector<int> key_lines;                             // from 1; 0: not from a file
  std::map<std::string, std::size_t, std::less<>> index;  // key to item
  std::shared_ptr<const std::string> origin;              // file name, or the assignment that set it
  int line = 0;

  std::shared_ptr<ConfigValue> find(std::string_view key) const;
  void put(const std::string& key, int key_line, std::shared_ptr<ConfigValue> value);  // adds or replaces
};

// "'abc'", "a list" and so on, for messages that say what is there instead.
std::string describe(const ConfigValue& value);

// Throws Error(input). A null value where the text says nothing. `first_line` 0: the text is no file and has
// no lines.
std::shared_ptr<ConfigValue> parse_config(std::string_view text, const std::string& origin,
                                          int first_line = 1);

}  // namespace pillar
