#include "train/run/exported_steps.h"

#include "pillar/core/fail.h"

#include <nlohmann/json.hpp>

namespace pillar {

std::string with_trained_steps(const std::string& config_json, std::int64_t steps) {
  try {
    auto document = nlohmann::ordered_json::parse(config_json);
    document["trained_steps"] = steps;
    return document.dump(2) + "\n";
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCategory::input, "the architecture of the exported model: {}", error.what());
  }
}

}  // namespace pillar
