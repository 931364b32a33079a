#include "core/shared/json_place.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMostWhole = 9007199254740992;  // 2^53

bool is_share(const Json& value) {
  if (!value.is_number()) return false;
  const auto number = value.get<double>();
  return number >= 0 && number <= 1;
}

}  // namespace

struct JsonPlace::File {
  std::filesystem::path path;
  Json object;
};

JsonPlace::JsonPlace(std::shared_ptr<const File> file, const Json& value, std::string where)
    : file_(std::move(file)), value_(&value), where_(std::move(where)) {}

JsonPlace JsonPlace::read_object(const std::filesystem::path& file, std::uint64_t most_bytes) {
  return parse_object(read_text_file(file, most_bytes), file);
}

JsonPlace JsonPlace::parse_object(std::string_view text, const std::filesystem::path& file) {
  auto read = std::make_shared<File>(File{file, Json::parse(text, nullptr, false)});
  if (!read->object.is_object()) fail(ErrorCategory::input, "{}: not a JSON object", file);
  const Json& whole = read->object;
  return {std::move(read), whole, {}};
}

JsonPlace JsonPlace::part(const Json& value, std::string where) const {
  return {file_, value, std::move(where)};
}

void JsonPlace::refuse(const char* wanted) const {
  fail(ErrorCategory::input, "{}: {} must be {}", file_->path,
       where_.empty() ? "the file" : printable(where_), wanted);
}

bool JsonPlace::has(const char* key) const {
  if (!value_->is_object()) refuse("an object");
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

JsonPlace JsonPlace::at(const char* key) const {
  if (!value_->is_object()) refuse("an object");
  const auto found = value_->find(key);
  const std::string where = where_.empty() ? key : fmt::format("{}.{}", where_, key);
  if (found == value_->end()) fail(ErrorCategory::input, "{}: {} is missing", file_->path, printable(where));
  return part(*found, where);
}

std::vector<JsonPlace> JsonPlace::items() const {
  if (!value_->is_array()) refuse("a list");
  std::vector<JsonPlace> places;
  places.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i)
    places.push_back(part((*value_)[i], fmt::format("{}[{}]", where_, i)));
  return places;
}

std::vector<std::pair<std::string, JsonPlace>> JsonPlace::members() const {
  if (!value_->is_object()) refuse("an object");
  std::vector<std::pair<std::string, JsonPlace>> places;
  for (const auto& [key, value] : value_->items())
    places.emplace_back(key, part(value, fmt::format("{}.{}", where_, key)));
  return places;
}

std::string JsonPlace::text() const {
  if (!value_->is_string()) refuse("text");
  return value_->get<std::string>();
}

std::string JsonPlace::any_text() const {
  return value_->is_string() ? value_->get<std::string>() : value_->dump();
}

std::int64_t JsonPlace::whole() const {
  if (value_->is_number()) {
    const auto number = value_->get<double>();
    if (number >= 0 && number <= kMostWhole && number == std::floor(number))
      return static_cast<std::int64_t>(number);
  }
  refuse("a whole number from 0 on");
}

double JsonPlace::number() const {
  if (value_->is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!value_->is_number()) refuse("a number or null");
  return value_->get<double>();
}

bool JsonPlace::flag() const {
  if (!value_->is_boolean()) refuse("true or false");
  return value_->get<bool>();
}

std::vector<std::pair<double, double>> JsonPlace::shares() const {
  if (!value_->is_array()) refuse("a list");
  std::vector<std::pair<double, double>> pairs;
  pairs.reserve(value_->size());
  for (const Json& item : *value_) {
    if (!item.is_array() || item.size() != 2 || !is_share(item[0]) || !is_share(item[1]))
      refuse("a list of pairs of numbers from 0 to 1");
    pairs.emplace_back(item[0].get<double>(), item[1].get<double>());
  }
  return pairs;
}

}  // namespace pillar
