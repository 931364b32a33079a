#include "core/shared/settings.h"

#include <fmt/format.h>

namespace pillar {

std::string setting(const Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? "unset" : found->second;
}

std::string differences(const Settings& then, const Settings& now) {
  Settings both = then;
  both.insert(now.begin(), now.end());
  std::string text;
  for (const auto& [key, value] : both) {
    const std::string before = setting(then, key), after = setting(now, key);
    if (before != after)
      text += fmt::format("{}{}: '{}' then, '{}' now", text.empty() ? "" : "; ", key, before, after);
  }
  return text;
}

}  // namespace pillar
