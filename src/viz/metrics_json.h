// Internal: reading the metrics.json of a run, which may be anything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace pillar::viz {

using Json = nlohmann::ordered_json;

// A value and where in which file it is, so that a fault can be named. What is asked for and is not there, or
// is of another kind, throws Error(input). The file's Json must outlive it.
class JsonPlace {
 public:
  JsonPlace(const Json& value, const std::filesystem::path& file, std::string where = {})
      : value_(&value), file_(&file), where_(std::move(where)) {}

  bool has(const char* key) const;  // and it is not null
  JsonPlace at(const char* key) const;
  std::vector<JsonPlace> items() const;                            // of an array
  std::vector<std::pair<std::string, JsonPlace>> members() const;  // of an object, in the file's order

  std::string text() const;
  std::int64_t whole() const;                             // from 0 to 2^53
  double number() const;                                  // NaN for null
  std::vector<std::pair<double, double>> shares() const;  // pairs of numbers from 0 to 1

  std::string text(const char* key) const { return at(key).text(); }
  std::int64_t whole(const char* key) const { return at(key).whole(); }
  double number(const char* key) const { return at(key).number(); }
  std::string any_text() const;  // text as it is, other values as JSON

  [[noreturn]] void refuse(const char* wanted) const;  // "FILE: questions[3].auroc must be WANTED"

 private:
  const Json* value_;
  const std::filesystem::path* file_;
  std::string where_;
};

// Throws Error(io | input): no JSON object, or more than 256 MB.
Json read_metrics_json(const std::filesystem::path& file);

}  // namespace pillar::viz
