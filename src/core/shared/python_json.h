// Internal: JSON as Python and pandas write it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace pillar {

// A bare NaN is null. Discarded (is_discarded()) where it is no JSON.
nlohmann::json parse_python_json(std::string_view text);

// A name that may have been taken for a number: text as it is, a whole number as its digits (123 and 123.0
// are "123"). Unset for anything else.
std::optional<std::string> name_in(const nlohmann::json& value);

}  // namespace pillar
