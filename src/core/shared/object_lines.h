// Internal: files of one JSON object a line, read once and never held whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

namespace pillar {

// In the file's order; blank lines are left out, lines count from 1. Throws Error(io | input) naming file and
// line.
void for_each_object(const std::filesystem::path& file,
                     const std::function<void(const nlohmann::json&, std::size_t line)>& take);

// Empty where it is absent or null; throws Error(input) naming file and line where it is no text.
std::string text_of(const nlohmann::json& object, const char* key, const std::filesystem::path& file,
                    std::size_t line);

// sample_name, not empty; a whole number as its digits. Throws Error(input) naming file and line.
std::string name_of(const nlohmann::json& object, const std::filesystem::path& file, std::size_t line);

bool is_blank(std::string_view text);  // nothing but white space

}  // namespace pillar
