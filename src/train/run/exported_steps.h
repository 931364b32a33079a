// Internal: of which step an exported model is.
#pragma once

#include <cstdint>
#include <string>

namespace pillar {

// config.json with "trained_steps" in it. Throws Error(input) for text that is no JSON object.
std::string with_trained_steps(const std::string& config_json, std::int64_t steps);

}  // namespace pillar
