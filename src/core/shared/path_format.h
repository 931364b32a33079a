// Paths in messages that are not errors: fmt::format("{}", path). (fail() takes them as they are.)
#pragma once

#include <filesystem>
#include <string>

#include <fmt/format.h>

template <>
struct fmt::formatter<std::filesystem::path> : fmt::formatter<std::string> {
  template <typename Context>
  auto format(const std::filesystem::path& path, Context& context) const {
    return fmt::formatter<std::string>::format(path.string(), context);
  }
};
