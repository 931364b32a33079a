#include "core/shared/json_lines.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr std::size_t kLongest = 1 << 20;

}  // namespace

bool visit_json_lines(const std::filesystem::path& path, const std::function<void(const JsonLine&)>& visit) {
  const MappedFile file(path);
  std::string_view rest(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  for (std::int64_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return true;
    const std::string_view text = rest.substr(0, end + 1);
    if (text.size() > kLongest) {
      fail(ErrorCategory::input, "{}: line {} has {} bytes, more than any row of a log", path, number,
           text.size());
    }
    const auto object = nlohmann::json::parse(text, nullptr, false);
    if (!object.is_object()) fail(ErrorCategory::input, "{}: line {} is not a JSON object", path, number);
    visit({text, number, object});
    rest.remove_prefix(text.size());
  }
  return false;
}

std::int64_t whole_number(const JsonLine& line, const char* key, const std::filesystem::path& path) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  const auto found = line.object.find(key);
  if (found != line.object.end() && found->is_number_integer()) {
    const auto value = found->get<std::int64_t>();
    if (value >= 0 && value <= kMost) return value;
  }
  fail(ErrorCategory::input, "{}: line {}: \"{}\" must be a whole number from 0 on", path, line.number, key);
}

double number_from_zero(const JsonLine& line, const char* key, const std::filesystem::path& path) {
  const auto found = line.object.find(key);
  if (found != line.object.end() && found->is_number()) {
    const auto value = found->get<double>();
    if (std::isfinite(value) && value >= 0) return value;
  }
  fail(ErrorCategory::input, "{}: line {}: \"{}\" must be a number from 0 on", path, line.number, key);
}

std::string text_at(const JsonLine& line, const char* key, const std::filesystem::path& path) {
  const auto found = line.object.find(key);
  if (found == line.object.end() || !found->is_string())
    fail(ErrorCategory::input, "{}: line {} has no \"{}\"", path, line.number, key);
  return found->get<std::string>();
}

std::vector<std::pair<std::string, double>> numbers_of(const JsonLine& line,
                                                       const std::set<std::string>& left_out,
                                                       const std::filesystem::path& path) {
  std::vector<std::pair<std::string, double>> numbers;
  for (const auto& [name, value] : line.object.items()) {
    if (left_out.contains(name)) continue;
    if (!value.is_number() && !value.is_null())
      fail(ErrorCategory::input, "{}: line {}: \"{}\" is neither a number nor null", path, line.number, name);
    numbers.emplace_back(name,
                         value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>());
  }
  return numbers;
}

}  // namespace pillar
