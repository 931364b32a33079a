// Internal: files of one JSON object a line, which may have been cut off anywhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace pillar {

struct JsonLine {
  std::string_view text;  // with its line end
  std::int64_t number;    // from 1
  const nlohmann::json& object;
};

// Calls `visit` for each line that has its line end. Returns whether something without one follows the last:
// what a killed process did not finish. Throws Error(io), and Error(input) naming the line that is no JSON
// object or longer than any of ours.
bool visit_json_lines(const std::filesystem::path& path, const std::function<void(const JsonLine&)>& visit);

// What the line has at a key. Each throws Error(input) naming file and line.
std::int64_t whole_number(const JsonLine& line, const char* key,
                          const std::filesystem::path& path);  // 0 to 2^53
double number_from_zero(const JsonLine& line, const char* key, const std::filesystem::path& path);  // finite
std::string text_at(const JsonLine& line, const char* key, const std::filesystem::path& path);

// Names and numbers of the line, but for the keys in `left_out`: NaN for null. Throws Error(input) naming
// file and line where one is neither.
std::vector<std::pair<std::string, double>> numbers_of(const JsonLine& line,
                                                       const std::set<std::string>& left_out,
                                                       const std::filesystem::path& path);

}  // namespace pillar
