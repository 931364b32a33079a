#include "core/config_value.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

namespace pillar {
namespace {

using ValuePtr = std::shared_ptr<ConfigValue>;
using Kind = ConfigValue::Kind;

constexpr std::size_t kMaxDepth = 64;

// yaml-cpp's event interface, because its tree keeps equal keys without a word and its marks are lost on the
// way.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& origin, int first_line)
      : origin_(std::make_shared<const std::string>(origin)), first_line_(first_line) {}

  ValuePtr root;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(started_, true)) fail_at(mark, "a second document (\"---\"); one is allowed");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (awaits_key()) fail_at(mark, "a key is missing");
    add(make(mark, Kind::null, anchor));
    complete(anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (awaits_key()) fail_at(mark, "an alias cannot be a key");
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) fail_at(mark, "an alias inside the value it stands for");
    add(found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (awaits_key()) {
      open_.back().key = text;
      open_.back().key_line = line_of(mark);
      check_key(mark);
      return;
    }
    const bool string_tag =
        tag == "!" || tag == "tag:yaml.org,2002:str";  // "!" is what yaml-cpp gives quoted text
    if (!string_tag) check_tag(mark, tag);
    const bool null =
        !string_tag && (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL");
    const ValuePtr value = make(mark, null ? Kind::null : Kind::scalar, anchor);
    value->text = text;
    value->quoted = string_tag;
    add(value);
    complete(anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Kind::list);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Kind::map);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  [[noreturn]] void fail_at(const YAML::Mark& mark, std::string_view fault) const {
    const std::string path = path_of_open();
    const std::string place = first_line_ == 0 ? "" : fmt::format(":{}", line_of(mark));
    fail(ErrorCategory::input, "{}{}: {}{}{}", *origin_, place, path, path.empty() ? "" : ": ", fault);
  }

 private:
  struct Open {
    ValuePtr value;
    YAML::anchor_t anchor = 0;
    std::optional<std::string> key;  // of a map: the key whose value comes next
    int key_line = 0;
  };

  int line_of(const YAML::Mark& mark) const { return first_line_ == 0 ? 0 : mark.line + first_line_; }

  bool awaits_key() const {
    return !open_.empty() && open_.back().value->kind == Kind::map && !open_.back().key;
  }

  std::string path_of_open() const {
    std::string path;
    for (const Open& level : open_) {
      if (level.value->kind == Kind::list) path += fmt::format("[{}]", level.value->items.size());
      if (level.key) path += fmt::format("{}{}", path.empty() ? "" : ".", printable(*level.key));
    }
    return path;
  }

  ValuePtr make(const YAML::Mark& mark, Kind kind, YAML::anchor_t anchor) {
    auto value = std::make_shared<ConfigValue>();
    value->kind = kind;
    value->origin = origin_;
    value->line = line_of(mark);
    if (anchor != 0) pending_[anchor] = value;
    return value;
  }

  // Only a finished value can be meant by an alias: so no value holds itself.
  void complete(YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = pending_[anchor];
  }

  void add(ValuePtr value) {
    if (open_.empty()) {
      root = std::move(value);
    } else if (Open& parent = open_.back(); parent.value->kind == Kind::list) {
      parent.value->items.push_back(std::move(value));
    } else {
      parent.value->put(*parent.key, parent.key_line, std::move(value));
      parent.key.reset();
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Kind kind) {
    check_tag(mark, tag);
    // yaml-cpp reports the open flow map of a cut file as the key of another.
    if (awaits_key()) fail_at(mark, "a list or map as a key, or a bracket that is never closed");
    if (open_.size() == kMaxDepth) fail_at(mark, fmt::format("more than {} levels", kMaxDepth));
    open_.push_back({make(mark, kind, anchor), anchor, {}, 0});
  }

  void close() {
    const Open level = std::move(open_.back());
    open_.pop_back();
    add(level.value);
    complete(level.anchor);
  }

  void check_key(const YAML::Mark& mark) const {
    const ConfigValue& map = *open_.back().value;
    const std::string& key = *open_.back().key;
    if (key == "<<") fail_at(mark, "merge keys are not supported");
    const auto found = map.index.find(key);
    if (found == map.index.end()) return;
    const int line = map.key_lines[found->second];
    fail_at(mark, line == 0 ? "duplicate key" : fmt::format("duplicate key, first on line {}", line));
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) const {
    constexpr std::string_view kCore = "tag:yaml.org,2002:";
    if (tag.empty() || tag == "?" || tag == "!") return;
    const std::string_view name = tag.starts_with(kCore) ? std::string_view(tag).substr(kCore.size()) : "";
    for (std::string_view known : {"int", "float", "bool", "null", "seq", "map"}) {
      if (name == known) return;
    }
    fail_at(mark, fmt::format("unsupported tag '{}'", printable(tag)));
  }

  std::shared_ptr<const std::string> origin_;
  int first_line_;
  bool started_ = false;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, ValuePtr> pending_, anchors_;
};

}  // namespace

std::shared_ptr<ConfigValue> ConfigValue::find(std::string_view key) const {
  const auto found = index.find(key);
  return found == index.end() ? nullptr : items[found->second];
}

void ConfigValue::put(const std::string& key, int key_line, std::shared_ptr<ConfigValue> value) {
  const auto [place, added] = index.emplace(key, items.size());
  if (added) {
    keys.push_back(key);
    key_lines.push_back(key_line);
    items.push_back(std::move(value));
  } else {
    key_lines[place->second] = key_line;
    items[place->second] = std::move(value);
  }
}

std::string describe(const ConfigValue& value) {
  switch (value.kind) {
    case Kind::null:
      return "null";
    case Kind::list:
      return fmt::format("a list of {}", value.items.size());
    case Kind::map:
      return "a map";
    case Kind::scalar:
      return fmt::format("{}'{}'", value.quoted ? "the string " : "", printable(value.text));
  }
  return "nothing";
}

std::shared_ptr<ConfigValue> parse_config(std::string_view text, const std::string& origin, int first_line) {
  // Checked first because yaml-cpp takes byte 4 for the end of the file and lets broken UTF-8 pass.
  if (!is_text(text)) fail(ErrorCategory::input, "{}: not a text file in UTF-8", origin);
  TreeBuilder builder(origin, first_line);
  try {
    // The end marker makes yaml-cpp refuse a quote that is still open there, which the end of the file does
    // not.
    std::istringstream stream(
        fmt::format("{}{}...\n", text, text.empty() || text.ends_with('\n') ? "" : "\n"));
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) continue;
  } catch (const YAML::Exception& error) {
    builder.fail_at(error.mark, printable(error.msg));
  }
  if (builder.root != nullptr) return builder.root;
  auto nothing = std::make_shared<ConfigValue>();
  nothing->origin = std::make_shared<const std::string>(origin);
  nothing->line = first_line;
  return nothing;
}

}  // namespace pillar
