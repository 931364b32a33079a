// Internal: what is odd about the studies of a run, said once, and refused where it is too much.
#pragma once

#include "pillar/data/note_kind.h"
#include "pillar/data/study_pool.h"
#include "pillar/world/world.h"

#include <set>
#include <string>
#include <vector>

namespace pillar {

// Throws Error(input) with what their headers say, where more than this part of a pool's studies are not what
// the model expects. `what`: "data.train of chest_ct".
void refuse_mismatches(const std::string& what, const StudyPool& pool, double max_fraction);

// Adds the studies of kinds that are there, and kinds that are not.
void merge_notes(std::vector<NoteKind>& into, const std::vector<NoteKind>& more);

// Collective: the kinds of all ranks, with their studies added up.
std::vector<NoteKind> gather_notes(const World& world, const std::vector<NoteKind>& own);

// "note             ...", a line of a --dry-run.
std::string note_line(const std::string& note);

// Knows which kinds of notes have been said.
class SaidNotes {
 public:
  // Those that were not said before, in words; from now on they are.
  std::vector<std::string> say(const std::vector<NoteKind>& kinds);

 private:
  std::set<std::string> patterns_;
};

}  // namespace pillar
