// What a configuration's scalars say.
#include "pillar/core/fail.h"

#include "core/config_node.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

using Kind = ConfigValue::Kind;

// Decimal, without the octal, hexadecimal, and 1_000 of YAML 1.1, which mean other things to other readers.
std::optional<std::int64_t> to_int(const ConfigValue& value) {
  std::string_view digits = value.text;
  if (value.kind != Kind::scalar || value.quoted) return std::nullopt;
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  const std::string_view magnitude = digits.starts_with('-') ? digits.substr(1) : digits;
  if (magnitude.size() > 1 && magnitude.starts_with('0')) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<double> to_double(const ConfigValue& value) {
  std::string_view text = value.text;
  if (value.kind != Kind::scalar || value.quoted) return std::nullopt;
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<bool> to_bool(const ConfigValue& value) {
  if (value.kind != Kind::scalar || value.quoted) return std::nullopt;
  for (std::string_view word : {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}) {
    if (value.text == word) return true;
  }
  for (std::string_view word : {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}) {
    if (value.text == word) return false;
  }
  return std::nullopt;
}

std::optional<std::string> to_text(const ConfigValue& value) {
  return value.kind == Kind::scalar ? std::optional(value.text) : std::nullopt;
}

template <typename T>
T convert(const Config& config, const ConfigValue* value, std::optional<T> (*parse)(const ConfigValue&),
          std::string_view wanted) {
  if (!config.exists()) config.fail("missing");
  const std::optional<T> result = parse(*value);
  if (!result) config.fail(fmt::format("must be {}, is {}", wanted, describe(*value)));
  return *result;
}

void check_list(const Config& config, const ConfigValue* value, std::size_t count, std::string_view of) {
  if (!config.exists()) config.fail("missing");
  if (config.is_list() && config.size() == count) return;
  config.fail(fmt::format("must be a list of {} {}, is {}", count, of, describe(*value)));
}

}  // namespace

std::string Config::as_string() const {
  return convert(*this, node_->value.get(), to_text, "a string");
}
std::int64_t Config::as_int() const {
  return convert(*this, node_->value.get(), to_int, "a whole number (decimal, 64 bits)");
}
double Config::as_double() const {
  return convert(*this, node_->value.get(), to_double, "a finite number");
}
bool Config::as_bool() const {
  return convert(*this, node_->value.get(), to_bool, "true or false");
}

std::string Config::as_string(const std::string& fallback) const {
  return exists() ? as_string() : fallback;
}
std::int64_t Config::as_int(std::int64_t fallback) const {
  return exists() ? as_int() : fallback;
}
double Config::as_double(double fallback) const {
  return exists() ? as_double() : fallback;
}
bool Config::as_bool(bool fallback) const {
  return exists() ? as_bool() : fallback;
}

std::vector<double> Config::as_doubles(std::size_t count) const {
  check_list(*this, node_->value.get(), count, "numbers");
  std::vector<double> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(at(i).as_double());
  return numbers;
}

std::vector<std::int64_t> Config::as_ints(std::size_t count) const {
  check_list(*this, node_->value.get(), count, "whole numbers");
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(at(i).as_int());
  return numbers;
}

}  // namespace pillar
