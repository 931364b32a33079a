#include "data/loader/note_summary.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

namespace pillar {
namespace {

// The text with every run of digits and points made one sign.
std::string pattern_of(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    const bool numeric = std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.';
    if (!numeric || pattern.empty() || pattern.back() != '#') pattern += numeric ? '#' : c;
  }
  return pattern;
}

}  // namespace

bool NoteSummary::add(std::int64_t study, const std::string& name, const std::string& note) {
  const std::string_view text = note;
  const std::string pattern = pattern_of(text.starts_with(name) ? text.substr(name.size()) : text);
  auto kind = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& k) { return k.pattern == pattern; });
  const bool is_new = kind == kinds_.end();
  if (is_new) kind = kinds_.insert(kinds_.end(), {pattern, note, {}});
  kind->studies.insert(study);
  return is_new;
}

std::vector<NoteKind> NoteSummary::kinds() const {
  std::vector<NoteKind> kinds;
  for (const Kind& kind : kinds_)
    kinds.push_back({kind.pattern, kind.first, static_cast<std::int64_t>(kind.studies.size())});
  return kinds;
}

Notes NoteSummary::repeated() const {
  Notes notes;
  for (const NoteKind& kind : kinds()) {
    if (kind.studies > 1) notes.add(to_text(kind));
  }
  return notes;
}

std::string to_text(const NoteKind& kind) {
  const std::int64_t more = kind.studies - 1;
  return more == 0 ? kind.first
                   : fmt::format("{} (and {} more {})", kind.first, more, more == 1 ? "study" : "studies");
}

}  // namespace pillar
