// Internal: files of one JSON object a line, which may have been cut off anywhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include <nlohmann/json.hpp>

namespace pillar {

struct JsonLine {
  std::string_view text;  // with its line end
  std::int64_t number;    // from 1
  nlohmann::json object;
};

// Calls `visit` for each line that has its line end. Returns whether something without one follows the last:
// what a killed process did not finish. Throws Error(io), and Error(input) naming the line that is no JSON
// object or longer than any of ours.
bool visit_json_lines(const std::filesystem::path& path, const std::function<void(const JsonLine&)>& visit);

// The whole number from 0 to 2^53 that the line has at `key`; throws Error(input) naming file and line.
std::int64_t whole_number(const JsonLine& line, const char* key, const std::filesystem::path& path);

}  // namespace pillar
