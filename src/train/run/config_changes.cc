#include "train/run/config_changes.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace pillar {
namespace {

// Keys, and blocks of keys, that do not change what is trained.
constexpr std::array<std::string_view, 16> kFreeKeys = {"output",
                                                        "log",
                                                        "checkpoint",
                                                        "loader",
                                                        "validation",
                                                        "evaluation",
                                                        "seed",
                                                        "train.batch_size",
                                                        "train.micro_batch",
                                                        "train.precision",
                                                        "train.reuse_memory",
                                                        "train.checkpoint_blocks",
                                                        "train.checkpoint_stem",
                                                        "data.max_bad_fraction",
                                                        "data.max_mismatch_fraction",
                                                        "train.max_wait_minutes"};

// Keys that earlier versions did not have, with the values that say what those did.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kLaterKeys = {
    {{"data.patients", "\"\""}, {"loss.kind", "clip"}, {"loss.same_report", "negative"}}};

bool is_as_before(const std::string& key, const std::string& value) {
  return std::find(kLaterKeys.begin(), kLaterKeys.end(),
                   std::pair<std::string_view, std::string_view>(key, value)) != kLaterKeys.end();
}

bool is_free(const std::string& key) {
  return std::any_of(kFreeKeys.begin(), kFreeKeys.end(), [&](std::string_view free) {
    return key.starts_with(free) && (key.size() == free.size() || key[free.size()] == '.');
  });
}

using KeyValues = std::map<std::string, std::string>;

void flatten_node(const YAML::Node& node, const std::string& key, KeyValues& values) {
  if (node.IsMap()) {
    for (const auto& item : node) {
      const auto name = item.first.as<std::string>();
      flatten_node(item.second, key.empty() ? name : key + "." + name, values);
    }
  } else if (!is_free(key)) {
    values[key] = YAML::Dump(node);
  }
}

}  // namespace

std::vector<std::string> config_changes(const std::string& before, const std::string& now) {
  KeyValues old_values, new_values;
  flatten_node(YAML::Load(before), "", old_values);
  flatten_node(YAML::Load(now), "", new_values);
  std::vector<std::string> changes;
  for (const auto& [key, value] : new_values) {
    const auto old = old_values.find(key);
    if (old == old_values.end() && is_as_before(key, value)) continue;
    if (old == old_values.end())
      changes.push_back(fmt::format("{}: not there -> {}", key, value));
    else if (old->second != value)
      changes.push_back(fmt::format("{}: {} -> {}", key, old->second, value));
  }
  for (const auto& [key, value] : old_values)
    if (!new_values.contains(key)) changes.push_back(fmt::format("{}: {} -> not there", key, value));
  return changes;
}

}  // namespace pillar
