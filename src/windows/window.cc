#include "pillar/windows/window.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "windows/window_check.h"

#include <charconv>

#include <fmt/ranges.h>

namespace pillar {
namespace {

Window level(const char* name, double centre, double width) {
  return {name, WindowKind::level, centre, width};
}

Window percentile(const char* name, double lower, double upper) {
  return {name, WindowKind::percentile, 0, 1, lower, upper};
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

double parse_number(std::string_view text, std::string_view window) {
  text = trimmed(text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(ErrorCategory::usage, "window '{}': '{}' is no number; give name:centre,width, like kidney:60,300",
         printable(window), printable(text));
  }
  return value;
}

std::vector<Window> default_windows(WindowFamily family) {
  std::vector<Window> windows = known_windows(family);
  if (family != WindowFamily::ct) return windows;
  std::erase_if(windows, [](const Window& window) {
    return window.name != "lung" && window.name != "mediastinum" && window.name != "bone";
  });
  return windows;
}

Window named_window(std::string_view name, WindowFamily family) {
  std::vector<std::string> names;
  for (Window& window : known_windows(family)) {
    if (window.name == name) return window;
    names.push_back(std::move(window.name));
  }
  const std::string list = fmt::format("{}", fmt::join(names, ", "));
  names.insert(names.end(), {"all", "default"});
  const std::string nearest = nearest_name(name, names);
  fail(ErrorCategory::usage,
       "no {} window '{}'{}; there are all, default, {}, and your own as name:centre,width",
       to_string(family), printable(name),
       nearest.empty() ? std::string() : fmt::format(", did you mean '{}'?", nearest), list);
}

// "name:centre" and the "width" that followed its comma.
Window own_window(std::string_view head, std::string_view width) {
  const std::size_t colon = head.find(':');
  Window window;
  window.name = trimmed(head.substr(0, colon));
  const std::string_view centre = head.substr(colon + 1);
  if (window.name.empty() || !is_text(window.name)) {
    fail(ErrorCategory::usage, "window '{}' has no name; give name:centre,width", printable(head));
  }
  window.centre = parse_number(centre, window.name);
  window.width = parse_number(width, window.name);
  windows::check_window(window);
  return window;
}

void append(std::vector<Window>& windows, std::vector<Window> more) {
  for (Window& window : more) {
    for (const Window& other : windows) {
      if (other.name == window.name) {
        fail(ErrorCategory::usage, "window '{}' is named twice", printable(window.name));
      }
    }
    windows.push_back(std::move(window));
  }
}

// The text up to the next comma, which `text` loses.
std::optional<std::string_view> next_part(std::optional<std::string_view>& text) {
  if (!text) return std::nullopt;
  const std::string_view all = *text;
  const std::size_t comma = all.find(',');
  if (comma == std::string_view::npos) {
    text.reset();
  } else {
    text = all.substr(comma + 1);
  }
  return trimmed(all.substr(0, comma));
}

}  // namespace

const char* to_string(WindowFamily family) noexcept {
  switch (family) {
    case WindowFamily::ct:
      return "CT";
    case WindowFamily::mr:
      return "MR";
    case WindowFamily::xray:
      return "X-ray";
  }
  return "unknown";
}

WindowFamily parse_window_family(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  if (upper == "CT") return WindowFamily::ct;
  if (upper == "MR" || upper == "MRI") return WindowFamily::mr;
  if (upper == "XR" || upper == "CR" || upper == "DX" || upper == "X-RAY") return WindowFamily::xray;
  fail(ErrorCategory::usage, "no windows for modality '{}'; there are CT, MR and XR", printable(text));
}

std::vector<Window> known_windows(WindowFamily family) {
  switch (family) {
    case WindowFamily::ct:
      return {level("lung", -600, 1500),     level("mediastinum", 50, 400), level("abdomen", 40, 400),
              level("liver", 80, 150),       level("bone", 400, 1800),      level("brain", 40, 80),
              level("subdural", 75, 215),    level("stroke", 40, 40),       level("temporal_bone", 600, 2800),
              level("soft_tissue", 50, 350), {"minmax", WindowKind::minmax}};
    case WindowFamily::mr:
      return {
          percentile("high_contrast", 20, 99), {"minmax", WindowKind::minmax}, {"znorm", WindowKind::znorm}};
    case WindowFamily::xray:
      return {percentile("lung", 2, 50), percentile("mediastinum", 30, 80), percentile("bone", 70, 98)};
  }
  return {};
}

std::vector<Window> parse_windows(std::string_view text, WindowFamily family) {
  std::vector<Window> windows;
  std::optional<std::string_view> rest = text;
  while (const std::optional<std::string_view> part = next_part(rest)) {
    if (part->find(':') != std::string_view::npos) {
      const std::optional<std::string_view> width = next_part(rest);
      if (!width) {
        fail(ErrorCategory::usage, "window '{}' has no width; give name:centre,width, like kidney:60,300",
             printable(*part));
      }
      append(windows, {own_window(*part, *width)});
    } else if (*part == "all") {
      append(windows, known_windows(family));
    } else if (*part == "default") {
      append(windows, default_windows(family));
    } else {
      append(windows, {named_window(*part, family)});
    }
  }
  return windows;
}

}  // namespace pillar
