// Paths of a configuration as a shell would read them.
#include "pillar/core/config.h"
#include "pillar/core/printable.h"

#include <cstdlib>

#include <fmt/format.h>

namespace pillar {
namespace {

std::string environment_value(const Config& node, const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0')
    node.fail(fmt::format("the environment variable {} is not set", printable(name)));
  return value;
}

// What stands at `begin`, "${NAME}", and moves `begin` behind it.
std::string variable_at(const Config& node, const std::string& text, std::size_t& begin) {
  const std::size_t end = text.find('}', begin);
  if (end == std::string::npos || end == begin + 2)
    node.fail(fmt::format("'{}': ${{NAME}} is what a variable looks like", printable(text)));
  const std::string value = environment_value(node, text.substr(begin + 2, end - begin - 2));
  begin = end + 1;
  return value;
}

}  // namespace

std::filesystem::path Config::as_path() const {
  const std::string text = as_string();
  std::string path;
  std::size_t at = 0;
  if (text == "~" || text.starts_with("~/")) {
    path = environment_value(*this, "HOME");
    at = 1;
  }
  while (at < text.size()) {
    const std::size_t variable = text.find("${", at);
    path += text.substr(at, variable == std::string::npos ? variable : variable - at);
    if (variable == std::string::npos) break;
    at = variable;
    path += variable_at(*this, text, at);
  }
  return path;
}

std::filesystem::path Config::as_path(const std::filesystem::path& fallback) const {
  return exists() ? as_path() : fallback;
}

}  // namespace pillar
