// Internal: notes of many studies, each kind once.
#pragma once

#include "pillar/core/notes.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace pillar {

class NoteSummary {
 public:
  // `note` begins with the study's name. Notes that differ in that and in their numbers alone are of one
  // kind. Whether it is the first of its kind.
  bool add(std::int64_t study, const std::string& name, const std::string& note);
  // The first note of each kind, with the number of studies that had one: in the order in which they came.
  Notes summary() const;
  // Of these, those that more than one study had.
  Notes repeated() const;

 private:
  struct Kind {
    std::string pattern, first;
    std::set<std::int64_t> studies;

    std::string text() const;
  };
  std::vector<Kind> kinds_;
};

}  // namespace pillar
