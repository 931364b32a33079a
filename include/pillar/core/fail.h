// Internal: throw pillar::Error with a formatted message.
#pragma once

#include "pillar/core/error.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

template <>
struct fmt::formatter<std::filesystem::path> : fmt::formatter<std::string> {
  template <typename Context>
  auto format(const std::filesystem::path& path, Context& context) const {
    return fmt::formatter<std::string>::format(path.string(), context);
  }
};

namespace pillar {

template <typename... Args>
[[noreturn]] void fail(ErrorCategory category, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(category, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace pillar
