#include "support/api_key.h"

#include "pillar/core/fail.h"

#include <cstdlib>

namespace pillar {
namespace {

constexpr const char* kUsualKey = "OPENAI_API_KEY";

}  // namespace

std::string api_key_from_environment(const std::string& name) {
  const char* value = std::getenv(name.empty() ? kUsualKey : name.c_str());
  if (value != nullptr) return value;
  if (name.empty()) return {};
  fail(ErrorCategory::usage, "--api-key-env: there is no environment variable {}", name);
}

}  // namespace pillar
