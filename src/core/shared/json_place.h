// Internal: reading a JSON file that may hold anything, so that every fault names the file and the key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace pillar {

// A value of a JSON file and where in it the value is. What is asked for and is not there, or is of another
// kind, throws Error(input). Copies share the file, which lives as long as any of them.
class JsonPlace {
 public:
  // The whole file. Throws Error(io), and Error(input) where it is no JSON object or larger than
  // `most_bytes`.
  static JsonPlace read_object(const std::filesystem::path& file, std::uint64_t most_bytes);
  // The same of text that is there already; `file` is for messages.
  static JsonPlace parse_object(std::string_view text, const std::filesystem::path& file);

  bool has(const char* key) const;  // and it is not null
  JsonPlace at(const char* key) const;
  std::vector<JsonPlace> items() const;                            // of an array
  std::vector<std::pair<std::string, JsonPlace>> members() const;  // of an object, in the file's order

  std::string text() const;
  std::int64_t whole() const;                             // from 0 to 2^53
  double number() const;                                  // NaN for null
  bool flag() const;                                      // true or false
  std::vector<std::pair<double, double>> shares() const;  // pairs of numbers from 0 to 1

  std::string text(const char* key) const { return at(key).text(); }
  std::int64_t whole(const char* key) const { return at(key).whole(); }
  double number(const char* key) const { return at(key).number(); }
  bool flag(const char* key) const { return at(key).flag(); }
  std::string any_text() const;  // text as it is, other values as JSON

  [[noreturn]] void refuse(const char* wanted) const;  // "FILE: questions[3].auroc must be WANTED"

 private:
  struct File;
  JsonPlace(std::shared_ptr<const File> file, const nlohmann::ordered_json& value, std::string where);
  JsonPlace part(const nlohmann::ordered_json& value, std::string where) const;

  std::shared_ptr<const File> file_;
  const nlohmann::ordered_json* value_;  // in *file_
  std::string where_;                    // "questions[3].auroc"; empty for the whole file
};

}  // namespace pillar
