// Configuration files (YAML, and JSON as its subset) whose errors name file, line and key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

// A position in a parsed configuration tree. Copies are cheap and share the tree.
//
//   Config config = Config::load("train.yaml");
//   config.allow_only({"model", "data", "seed"});            // refuses "sed": "did you mean 'seed'?"
//   int64_t seed = config.get("seed").as_int(0);             // default where the key is absent
//   auto spacing = config.get("processing").get("target_spacing").as_doubles(3);
class Config {
 public:
  // Throws Error(io | input): over 4 MB, not UTF-8, malformed, a duplicate key, a second document, a merge
  // key ("<<"), a tag outside the core schema, over 64 levels. Nothing at all is an empty configuration.
  static Config load(const std::filesystem::path& file);
  static Config parse(std::string_view text, const std::filesystem::path& file_name);

  // Sets `a.b.c=value` (value is YAML: a scalar or a flow list), creating maps on the way. Throws
  // Error(usage), for no value at all, too (an unset variable of the shell, most often; "" in quotes is the
  // empty text). For the top of a tree: its copies see the change, but nodes got from it before keep what
  // they had.
  void set(std::string_view assignment);

  bool exists() const noexcept;            // false for an absent key and for an explicit null
  Config get(std::string_view key) const;  // an absent key gives a node whose exists() is false
  bool is_map() const noexcept;
  bool is_list() const noexcept;
  std::size_t size() const noexcept;      // elements of a list, keys of a map
  Config at(std::size_t index) const;     // element of a list
  std::vector<std::string> keys() const;  // in file order

  // Throws Error(input) naming the first other key and the nearest allowed one.
  void allow_only(const std::vector<std::string>& keys) const;

  // Without a default an absent key is an error; a value of the wrong type always is. Text in quotes is a
  // string only. int: decimal digits, 64 bits. double: finite. bool: true/false and YAML 1.1's yes/no,
  // on/off. string: any scalar.
  std::string as_string() const;
  std::string as_string(const std::string& fallback) const;
  std::int64_t as_int() const;
  std::int64_t as_int(std::int64_t fallback) const;
  double as_double() const;
  double as_double(double fallback) const;
  bool as_bool() const;
  bool as_bool(bool fallback) const;
  // Text with "~" in front and ${NAME} within, as a shell would put it: configurations have no shell. An
  // environment variable that is not set is an error.
  std::filesystem::path as_path() const;
  std::filesystem::path as_path(const std::filesystem::path& fallback) const;
  std::vector<double> as_doubles(std::size_t count) const;  // a list of exactly `count` numbers
  std::vector<std::int64_t> as_ints(std::size_t count) const;

  // "file.yaml:12: processing.resampling.target_spacing", for messages about a value's meaning.
  std::string where() const;
  [[noreturn]] void fail(const std::string& fault) const;  // Error(input, where() + ": " + fault)

 private:
  struct Node;
  explicit Config(std::shared_ptr<Node> node);
  std::shared_ptr<Node> node_;
};

// The candidate with the smallest edit distance to `word`, empty if none is near enough to be meant.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace pillar
