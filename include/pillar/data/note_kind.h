// Notes of many studies, each kind once.
#pragma once

#include <cstdint>
#include <string>

namespace pillar {

// Notes that differ in the study's name and in their numbers alone are of one kind.
struct NoteKind {
  std::string pattern;       // what its notes have in common: names and numbers are signs in it
  std::string first;         // the note that came first, which begins with its study's name
  std::int64_t studies = 0;  // that had one
  bool operator==(const NoteKind&) const = default;
};

// "A1: voxels of 0.8x0.8x2.5 mm (and 2 more studies)".
std::string to_text(const NoteKind& kind);

}  // namespace pillar
