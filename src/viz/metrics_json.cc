#include "viz/metrics_json.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include <cmath>
#include <limits>

namespace pillar::viz {
namespace {

constexpr std::uint64_t kMaxBytes = 1 << 28;
constexpr double kMostWhole = 9007199254740992;  // 2^53

bool is_share(const Json& value) {
  if (!value.is_number()) return false;
  const auto number = value.get<double>();
  return number >= 0 && number <= 1;
}

}  // namespace

void JsonPlace::refuse(const char* wanted) const {
  fail(ErrorCategory::input, "{}: {} must be {}", *file_, where_.empty() ? "the file" : printable(where_),
       wanted);
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
  if (found == value_->end()) fail(ErrorCategory::input, "{}: {} is missing", *file_, printable(where));
  return {*found, *file_, where};
}

std::vector<JsonPlace> JsonPlace::items() const {
  if (!value_->is_array()) refuse("a list");
  std::vector<JsonPlace> places;
  places.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i)
    places.emplace_back((*value_)[i], *file_, fmt::format("{}[{}]", where_, i));
  return places;
}

std::vector<std::pair<std::string, JsonPlace>> JsonPlace::members() const {
  if (!value_->is_object()) refuse("an object");
  std::vector<std::pair<std::string, JsonPlace>> places;
  for (const auto& [key, value] : value_->items())
    places.emplace_back(key, JsonPlace(value, *file_, fmt::format("{}.{}", where_, key)));
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

Json read_metrics_json(const std::filesystem::path& file) {
  Json json = Json::parse(read_text_file(file, kMaxBytes), nullptr, false);
  if (!json.is_object()) fail(ErrorCategory::input, "{}: not a JSON object", file);
  return json;
}

}  // namespace pillar::viz
