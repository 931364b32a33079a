#include "core/shared/python_json.h"

#include "core/shared/json_nan.h"

#include <cmath>
#include <cstdint>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {

nlohmann::json parse_python_json(std::string_view text) {
  if (text.find("NaN") == std::string_view::npos) return nlohmann::json::parse(text, nullptr, false);
  return nlohmann::json::parse(NanAsNull(text, 0), NanAsNull(text, text.size()), nullptr, false);
}

std::optional<std::string> name_in(const nlohmann::json& value) {
  constexpr double kMostWhole = 9007199254740992;  // 2^53
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_unsigned()) return fmt::format("{}", value.get<std::uint64_t>());
  if (value.is_number_integer()) return fmt::format("{}", value.get<std::int64_t>());
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (number != std::floor(number) || std::abs(number) > kMostWhole) return std::nullopt;
  return fmt::format("{}", static_cast<std::int64_t>(number));
}

}  // namespace pillar
