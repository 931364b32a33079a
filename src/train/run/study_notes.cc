#include "train/run/study_notes.h"

#include "pillar/core/fail.h"
#include "pillar/world/world_text.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {

void refuse_mismatches(const std::string& what, const StudyPool& pool, double max_fraction) {
  const std::size_t studies = pool.studies.size();
  if (static_cast<double>(pool.mismatched) <= max_fraction * static_cast<double>(studies)) return;
  std::string list;
  for (const NoteKind& kind : pool.notes) list += "\n  " + to_text(kind);
  fail(ErrorCategory::input,
       "{}: {} of {} studies are not what the model expects, more than data.max_mismatch_fraction {}:{}\n"
       "encode them again as the model takes them, or go on all the same with data.max_mismatch_fraction=1",
       what, pool.mismatched, studies, max_fraction, list);
}

void merge_notes(std::vector<NoteKind>& into, const std::vector<NoteKind>& more) {
  for (const NoteKind& kind : more) {
    const auto known = std::find_if(into.begin(), into.end(),
                                    [&](const NoteKind& other) { return other.pattern == kind.pattern; });
    if (known == into.end())
      into.push_back(kind);
    else
      known->studies += kind.studies;
  }
}

std::vector<NoteKind> gather_notes(const World& world, const std::vector<NoteKind>& own) {
  nlohmann::json mine = nlohmann::json::array();
  for (const NoteKind& kind : own) mine.push_back({kind.pattern, kind.first, kind.studies});
  // Names may hold any byte; what is no UTF-8 is replaced, for the words are for people.
  const std::string text = mine.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::vector<NoteKind> all;
  for (const std::string& words : gather_texts(world, text)) {
    for (const auto& item : nlohmann::json::parse(words)) merge_notes(all, {{item[0], item[1], item[2]}});
  }
  return all;
}

std::string note_line(const std::string& note) {
  return fmt::format("note             {}\n", note);
}

std::vector<std::string> SaidNotes::say(const std::vector<NoteKind>& kinds) {
  std::vector<std::string> fresh;
  for (const NoteKind& kind : kinds) {
    if (patterns_.insert(kind.pattern).second) fresh.push_back(to_text(kind));
  }
  return fresh;
}

}  // namespace pillar
