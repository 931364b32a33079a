#include "train/run/study_notes.h"

#include "support/expect_error.h"

namespace pillar {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(StudyNotes, TooManyMismatchesAreRefusedWithWhatTheyAre) {
  StudyPool pool;
  pool.studies.resize(50);
  pool.mismatched = 5;
  pool.notes = {{"x", "S1: voxels of 1.25x1.25x1.25 mm", 5}};
  refuse_mismatches("data.train of ct", pool, 0.1);
  EXPECT_PILLAR_ERROR(refuse_mismatches("data.train of ct", pool, 0.09), ErrorCategory::input,
                      AllOf(HasSubstr("data.train of ct: 5 of 50 studies"), HasSubstr("S1: voxels of 1.25"),
                            HasSubstr("and 4 more studies"), HasSubstr("data.max_mismatch_fraction=1")));
  refuse_mismatches("data.validation of ct", StudyPool(), 0);
}

TEST(StudyNotes, AreSaidOnce) {
  SaidNotes said;
  EXPECT_THAT(said.say({{"a", "S1: a", 1}, {"b", "S1: b", 3}}),
              ElementsAre("S1: a", "S1: b (and 2 more studies)"));
  EXPECT_THAT(said.say({{"a", "S1: a", 7}, {"c", "S2: c", 1}}), ElementsAre("S2: c"));
}

TEST(StudyNotes, KindsOfSeveralPoolsAreAddedUp) {
  std::vector<NoteKind> kinds = {{"a", "S1: a", 2}};
  merge_notes(kinds, {{"b", "S7: b", 1}, {"a", "S9: a", 3}});
  EXPECT_THAT(kinds, ElementsAre(NoteKind{"a", "S1: a", 5}, NoteKind{"b", "S7: b", 1}));
  EXPECT_EQ(gather_notes(World(), kinds), kinds);
  EXPECT_THAT(gather_notes(World(), {}), IsEmpty());
}

}  // namespace
}  // namespace pillar
