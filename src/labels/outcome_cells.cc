#include "labels/outcome_cells.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr std::int64_t kMostVoxels = std::int64_t{1} << 31;  // along an axis

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

std::optional<VoxelBox> box_in(const nlohmann::json& corners) {
  if (!corners.is_array() || corners.size() != 6) return {};
  VoxelBox box;
  for (std::size_t i = 0; i < 6; ++i) {
    if (!corners[i].is_number()) return {};
    const auto number = corners[i].get<double>();
    if (!(number >= 0 && number <= static_cast<double>(kMostVoxels)) || number != std::floor(number))
      return {};
    (i < 3 ? box.first_dhw : box.end_dhw)[i % 3] = static_cast<std::int64_t>(number);
  }
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (box.first_dhw[axis] >= box.end_dhw[axis]) return {};
  }
  return box;
}

}  // namespace

std::string_view trimmed(std::string_view cell) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = cell.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return cell.substr(begin, cell.find_last_not_of(kBlanks) - begin + 1);
}

bool is_unknown(std::string_view cell) {
  const std::string_view text = trimmed(cell);
  if (text.empty()) return true;
  if (text.size() > 4) return false;
  const std::string lower = in_lower_case(text);
  return lower == "nan" || lower == "na" || lower == "null";
}

std::optional<double> number_in(std::string_view cell) {
  const std::string_view text = trimmed(cell);
  double number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return {};
  return number;
}

std::optional<std::int64_t> whole_in(std::string_view cell) {
  const std::optional<double> number = number_in(cell);
  if (!number || *number != std::floor(*number) || std::abs(*number) > 0x1p53) return {};
  return static_cast<std::int64_t>(*number);
}

std::optional<OutcomeSplit> split_in(std::string_view cell) {
  const std::string_view text = trimmed(cell);
  if (text == "train") return OutcomeSplit::train;
  if (text == "dev" || text == "val" || text == "valid" || text == "validation") return OutcomeSplit::dev;
  if (text == "test") return OutcomeSplit::test;
  return {};
}

std::optional<std::vector<VoxelBox>> boxes_in(std::string_view cell) {
  const nlohmann::json list = nlohmann::json::parse(cell.begin(), cell.end(), nullptr, false);
  if (!list.is_array()) return {};
  std::vector<VoxelBox> boxes;
  for (const nlohmann::json& corners : list) {
    const std::optional<VoxelBox> box = box_in(corners);
    if (!box) return {};
    boxes.push_back(*box);
  }
  return boxes;
}

std::vector<std::string> split_image_paths(std::string_view cell) {
  std::vector<std::string> paths;
  const auto add = [&](std::string_view path) {
    if (!trimmed(path).empty()) paths.emplace_back(trimmed(path));
  };
  const std::string_view text = trimmed(cell);
  const nlohmann::json list = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (list.is_array()) {
    for (const nlohmann::json& path : list)
      add(path.is_string() ? path.get<std::string>()
                           : path.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return paths;
  }
  constexpr std::string_view kSeparators = "|;,";
  const auto separator = std::find_if(kSeparators.begin(), kSeparators.end(),
                                      [&](char c) { return text.find(c) != std::string_view::npos; });
  if (separator == kSeparators.end()) {
    add(text);
    return paths;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(*separator, begin), text.size());
    add(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return paths;
}

}  // namespace pillar
