// Internal: notes of many studies, each kind once.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/data/note_kind.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace pillar {

class NoteSummary {
 public:
  // `note` begins with the study's name. Whether it is the first of its kind.
  bool add(std::int64_t study, const std::string& name, const std::string& note);
  std::vector<NoteKind> kinds() const;  // in the order in which they came
  // In words, those that more than one study had.
  Notes repeated() const;

 private:
  struct Kind {
    std::string pattern, first;
    std::set<std::int64_t> studies;
  };
  std::vector<Kind> kinds_;
};

}  // namespace pillar
