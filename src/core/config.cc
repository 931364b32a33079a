#include "pillar/core/config.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "core/config_node.h"

#include <algorithm>

#include <fmt/ranges.h>

namespace pillar {
namespace {

using Kind = ConfigValue::Kind;

constexpr std::uint64_t kMaxConfigBytes = 4'000'000;

std::vector<std::string> split_path(std::string_view path, std::string_view assignment) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t size = std::min(path.find('.'), path.size());
    if (size == 0)
      fail(ErrorCategory::usage, "'{}': an empty name in the path before '='", printable(assignment));
    parts.emplace_back(path.substr(0, size));
    if (size == path.size()) return parts;
    path.remove_prefix(size + 1);
  }
}

}  // namespace

Config::Config(std::shared_ptr<Node> node) : node_(std::move(node)) {}

Config Config::load(const std::filesystem::path& file) {
  return parse(read_text_file(file, kMaxConfigBytes), file);
}

Config Config::parse(std::string_view text, const std::filesystem::path& file_name) {
  std::shared_ptr<ConfigValue> root = parse_config(text, file_name.string());
  const auto origin = root->origin;
  return Config(std::make_shared<Node>(Node{std::move(root), "", origin, 1}));
}

void Config::set(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    ::pillar::fail(ErrorCategory::usage, "'{}': must be of the form key=value", printable(assignment));
  }
  const std::vector<std::string> path = split_path(assignment.substr(0, equals), assignment);
  if (assignment.find_first_not_of(" \t", equals + 1) == std::string_view::npos) {
    ::pillar::fail(ErrorCategory::usage,
                   "'{}': has no value (a variable that is not set?); '' is the empty text",
                   printable(assignment));
  }
  std::shared_ptr<ConfigValue> value;
  const std::string origin = fmt::format("'{}'", printable(assignment));
  try {
    value = parse_config(assignment.substr(equals + 1), origin, 0);
  } catch (const Error& error) {
    throw Error(ErrorCategory::usage, error.what());
  }
  if (node_->value == nullptr) ::pillar::fail(ErrorCategory::usage, "{}: {} does not exist", origin, where());
  ConfigValue* map = node_->value.get();
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (map->kind == Kind::null) map->kind = Kind::map;
    if (map->kind != Kind::map) {
      ::pillar::fail(ErrorCategory::usage, "{}: cannot set '{}' in {}", origin, printable(path[i]),
                     describe(*map));
    }
    if (i + 1 == path.size()) break;
    // A copy of what is on the way, because an alias may share it with another place.
    const std::shared_ptr<ConfigValue> old = map->find(path[i]);
    auto next = std::make_shared<ConfigValue>(old != nullptr ? *old : ConfigValue{});
    if (old == nullptr) next->origin = value->origin;
    const int line = old != nullptr ? map->key_lines[map->index.at(path[i])] : 0;
    map->put(path[i], line, next);
    map = next.get();
  }
  map->put(path.back(), 0, std::move(value));
}

bool Config::exists() const noexcept {
  return node_->value != nullptr && node_->value->kind != Kind::null;
}
bool Config::is_map() const noexcept {
  return exists() && node_->value->kind == Kind::map;
}
bool Config::is_list() const noexcept {
  return exists() && node_->value->kind == Kind::list;
}
std::size_t Config::size() const noexcept {
  return exists() ? node_->value->items.size() : 0;
}

Config Config::get(std::string_view key) const {
  if (exists() && !is_map()) fail(fmt::format("must be a map, is {}", describe(*node_->value)));
  const std::string name = printable(key);
  Node child{nullptr, node_->path.empty() ? name : node_->path + "." + name, node_->origin, node_->line};
  if (is_map()) child.value = node_->value->find(key);
  if (child.value != nullptr) {
    child.origin = child.value->origin;
    child.line = node_->value->key_lines[node_->value->index.find(key)->second];
  }
  return Config(std::make_shared<Node>(std::move(child)));
}

Config Config::at(std::size_t index) const {
  if (!exists()) fail("missing");
  if (!is_list()) fail(fmt::format("must be a list, is {}", describe(*node_->value)));
  if (index >= size()) fail(fmt::format("has no element {}: it is a list of {}", index, size()));
  const std::shared_ptr<ConfigValue>& item = node_->value->items[index];
  return Config(std::make_shared<Node>(
      Node{item, fmt::format("{}[{}]", node_->path, index), item->origin, item->line}));
}

std::vector<std::string> Config::keys() const {
  if (!exists()) return {};
  if (!is_map()) fail(fmt::format("must be a map, is {}", describe(*node_->value)));
  return node_->value->keys;
}

void Config::allow_only(const std::vector<std::string>& allowed) const {
  for (const std::string& key : keys()) {
    if (std::find(allowed.begin(), allowed.end(), key) != allowed.end()) continue;
    const std::string near = nearest_name(key, allowed);
    const std::string hint = near.empty() ? fmt::format("allowed: {}", fmt::join(allowed, ", "))
                                          : fmt::format("did you mean '{}'?", near);
    get(key).fail(fmt::format("unknown key; {}", hint));
  }
}

std::string Config::where() const {
  std::string place = node_->line == 0 ? *node_->origin : fmt::format("{}:{}", *node_->origin, node_->line);
  return place + ": " + (node_->path.empty() ? "top level" : node_->path);
}

void Config::fail(const std::string& fault) const {
  throw Error(ErrorCategory::input, where() + ": " + fault);
}

}  // namespace pillar
